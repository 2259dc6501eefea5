// The proxy of one workload under some policies, and what it says to a call.
import assert from "node:assert/strict";
import { defaultMeshSettings } from "../../src/model/mesh-settings.ts";
import type { InboundResult } from "../../src/simulate/inbound-result.ts";
import { simulateInbound } from "../../src/simulate/simulate-inbound.ts";
import { MeshRig } from "../../src/translate/mesh-rig.fake.ts";
import type { ClientView } from "../../src/xds/generator.ts";
import type { ReferenceCall, ReferencePolicy } from "./authorization-reference.fake.ts";

export const mesh = { rootNamespace: "istio-system", trustDomain: "td.example", trustDomainAliases: ["old.example"] };
export const workload = { namespace: "shop", labels: { app: "reviews" } };

/** The workload's proxy under these policies; port 80 is HTTP, every other one is not. */
export function proxyOf(policies: readonly ReferencePolicy[]): ClientView {
  const rig = new MeshRig({ ...defaultMeshSettings, ...mesh });
  const put = (kind: string, name: string, namespace: string, spec: object) =>
    rig.put({ key: { source: "files", group: "test", kind, namespace, name }, meta: { name, namespace }, spec });
  put("ServiceEntry", "reviews", "shop", {
    hosts: ["reviews"],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [
      { number: 80, name: "http", protocol: "HTTP" },
      { number: 3306, name: "tcp", protocol: "TCP" },
    ],
    workloadSelector: { labels: { app: "reviews" } },
  });
  for (const { name, namespace, spec } of policies) put("AuthorizationPolicy", name, namespace, spec);
  return rig.open({ name: "reviews", ...workload, ip: "198.18.1.1" });
}

export function ask(view: ClientView, call: ReferenceCall): InboundResult {
  const { peer, http } = call;
  return simulateInbound(view, {
    port: call.port,
    ip: call.destinationIp,
    sourceIp: call.sourceIp,
    transport:
      peer === undefined
        ? { kind: "raw_buffer" }
        : {
            kind: "tls",
            sni: call.sni,
            alpn: ["istio"],
            peer: `spiffe://${peer.trustDomain}/ns/${peer.namespace}/sa/${peer.account}`,
          },
    ...(http === undefined
      ? {}
      : {
          request: { method: http.method, path: `${http.path}?q=/admin`, authority: http.host, headers: http.headers },
        }),
  });
}

export function letsIn(view: ClientView, call: ReferenceCall): boolean {
  const { outcome } = ask(view, call);
  assert.ok(outcome === "accepted" || outcome === "denied", outcome);
  return outcome === "accepted";
}
