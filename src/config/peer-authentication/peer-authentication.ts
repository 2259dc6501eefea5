// PeerAuthentication (security.istio.io): whether a workload takes plaintext, mutual TLS, or both.
import { defineKind } from "../kind.ts";
import { map, object, oneOfStrings, type Rule, type SpecOf } from "../schema.ts";
import { workloadSelector } from "../selector.ts";

const mutualTls = () =>
  object(
    {
      mode: oneOfStrings(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"], {
        description:
          "STRICT takes mutual TLS only, PERMISSIVE also plaintext, DISABLE plaintext only, UNSET what the next wider policy says (PERMISSIVE where none does).",
        default: "UNSET",
      }),
    },
    { description: "Mutual TLS settings." },
  );

const portsInRange: Rule<Record<string, unknown>> = {
  message: "ports must be between 1 and 65535",
  test: (ports) => Object.keys(ports).every((key) => /^\d{1,5}$/.test(key) && Number(key) >= 1 && Number(key) <= 65535),
};

const needsSelector: Rule<{ portLevelMtls?: unknown; selector?: { matchLabels?: object } }> = {
  message: "portLevelMtls needs a selector with labels",
  at: "portLevelMtls",
  test: (spec) => spec.portLevelMtls === undefined || Object.keys(spec.selector?.matchLabels ?? {}).length > 0,
};

export const peerAuthenticationSchema = object(
  {
    selector: workloadSelector(),
    mtls: mutualTls(),
    portLevelMtls: map(mutualTls(), {
      minProperties: 1,
      description: "Settings for single ports of the selected workloads, by the port the workload listens on.",
      rules: [portsInRange],
    }),
  },
  { rules: [needsSelector] },
);

export type PeerAuthentication = SpecOf<typeof peerAuthenticationSchema>;

export const peerAuthenticationKind = defineKind<PeerAuthentication>({
  kind: "PeerAuthentication",
  group: "security.istio.io",
  plural: "peerauthentications",
  singular: "peerauthentication",
  shortNames: ["pa"],
  versions: ["v1", "v1beta1"],
  scope: "Namespaced",
  description: "How workloads accept connections: mutual TLS, plaintext, or both.",
  schema: peerAuthenticationSchema,
  root: "spec",
  columns: [
    { name: "Mode", type: "string", jsonPath: ".spec.mtls.mode", description: "Mutual TLS mode of the workloads." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
});
