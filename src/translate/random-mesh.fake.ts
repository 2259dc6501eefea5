// Random objects of a small mesh, of every kind that is served.
import fc from "fast-check";
import { apiVersionOf } from "../config/kind.ts";
import { kindByName } from "../config/kinds.ts";
import type { ApiObject, Config, ObjectMeta } from "../config/object.ts";
import { labels, namespace, some, withoutUndefined } from "./random-names.fake.ts";
import { authorizationPolicy, peerAuthentication } from "./random-policy.fake.ts";
import { virtualService } from "./random-route.fake.ts";
import { destinationRule } from "./random-rule.fake.ts";
import { serviceEntry, workloadEntry, workloadGroup } from "./random-service.fake.ts";

const ages = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];

const kinds: readonly (readonly [weight: number, kind: string, spec: fc.Arbitrary<object>])[] = [
  [6, "ServiceEntry", serviceEntry],
  [5, "WorkloadEntry", workloadEntry],
  [5, "VirtualService", virtualService],
  [5, "DestinationRule", destinationRule],
  [3, "PeerAuthentication", peerAuthentication],
  [3, "AuthorizationPolicy", authorizationPolicy],
  [1, "WorkloadGroup", workloadGroup],
  [1, "Namespace", some({}, { finalizers: ["kubernetes"] })],
];

const registration = { "istio.io/autoRegistrationGroup": "group" };
const healthChecked = { "proxy.istio.io/health-checks-enabled": "true" };
/** Metadata that proxies are affected by, by kind; empty twice, so that most objects have none. */
const annotations: Readonly<Record<string, readonly Record<string, string>[]>> = {
  WorkloadEntry: [{}, registration, registration, { ...registration, ...healthChecked }],
  AuthorizationPolicy: [{}, {}, {}, { "istio.io/dry-run": "true" }],
};
const health = (status: string) => ({ conditions: [{ type: "Healthy", status }] });

/** An object with one of three names in one of three namespaces, such as its author may write and the control plane keep. */
export const randomConfig: fc.Arbitrary<Config> = fc
  .oneof(...kinds.map(([weight, kind, spec]) => ({ weight, arbitrary: spec.map((value) => ({ kind, value })) })))
  .chain(({ kind, value }) =>
    fc.record({
      kind: fc.constant(kind),
      spec: fc.constant(withoutUndefined(value) as object),
      namespace,
      name: some("one", "two", "three"),
      creationTimestamp: some(...ages),
      annotations: some(...(annotations[kind] ?? [{}])),
      labels: kind === "WorkloadEntry" ? fc.oneof(fc.constant({}), labels) : fc.constant({}),
      healthy: some(undefined, health("True"), health("False")),
    }),
  )
  .map(({ kind, spec, namespace: own, name, creationTimestamp, annotations: notes, labels: marks, healthy }) => {
    const scoped = kind === "Namespace" ? "" : own;
    const meta: ObjectMeta = { name: kind === "Namespace" ? own : name, namespace: scoped, creationTimestamp };
    if (Object.keys(notes).length > 0) meta.annotations = notes;
    if (Object.keys(marks).length > 0) meta.labels = marks;
    const checked = notes["proxy.istio.io/health-checks-enabled"] === "true";
    const status = checked ? healthy : undefined;
    return {
      key: { source: "files", group: kindByName(kind)?.group ?? "", kind, namespace: scoped, name: meta.name },
      meta,
      spec,
      ...(status === undefined ? {} : { status }),
    };
  });

/** The object as its author writes it. */
export function apiObjectOf({ key, meta, spec }: Config): ApiObject {
  const kind = kindByName(key.kind);
  if (kind === undefined) throw new TypeError(`no kind ${key.kind}`);
  return { apiVersion: apiVersionOf(kind, kind.versions[0] as string), kind: key.kind, metadata: meta, spec };
}
