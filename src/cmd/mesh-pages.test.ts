import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMeshConfig } from "../config/mesh-config/mesh-config.ts";
import type { Config } from "../config/object.ts";
import { FakeClock } from "../kernel/clock.fake.ts";
import { Metrics } from "../kernel/metric.ts";
import { defaultMeshSettings } from "../model/mesh-settings.ts";
import { startAdsRig } from "../serve/ads/ads-rig.fake.ts";
import { JsonStream } from "../serve/debug/json-stream.ts";
import { MeshRig } from "../translate/mesh-rig.fake.ts";
import { typeUrls } from "../xds/type-url.ts";
import { meshMetrics } from "./mesh-metrics.ts";
import { meshPages } from "./mesh-pages.ts";

function config(kind: string, name: string, spec: object, more: Partial<Config> = {}): Config {
  const group = kind === "AuthorizationPolicy" ? "security.istio.io" : "networking.istio.io";
  const key = { source: "Kubernetes", group, kind, namespace: "shop", name };
  return { key, meta: { name, namespace: "shop", managedFields: [{}] }, spec, ...more };
}

function filledMesh(): MeshRig {
  const rig = new MeshRig(defaultMeshSettings);
  const ports = [
    { number: 80, name: "http", protocol: "HTTP" },
    { number: 90, name: "tcp", protocol: "TCP" },
  ];
  const entry = (name: string, spec: object): Config =>
    config("ServiceEntry", name, { hosts: [`${name}.example`], ports, resolution: "STATIC", ...spec });
  rig.put(entry("web", { workloadSelector: { labels: { app: "web" } } }));
  rig.put(entry("empty", { workloadSelector: { labels: { app: "none" } } }));
  rig.put(config("WorkloadEntry", "vm-1", { address: "10.0.0.1", labels: { app: "web" } }));
  const sick = {
    meta: { name: "vm-2", namespace: "shop", annotations: { "proxy.istio.io/health-checks-enabled": "true" } },
  };
  rig.put(config("WorkloadEntry", "vm-2", { address: "10.0.0.2", labels: { app: "web" } }, sick));
  for (const name of ["a", "b"]) {
    rig.put(config("DestinationRule", name, { host: "web.example", subsets: [{ name: "v1", labels: {} }] }));
  }
  rig.put(
    config("VirtualService", "web", { hosts: ["web.example"], http: [] }, { origin: { file: "web.yaml", line: 3 } }),
  );
  rig.put(config("AuthorizationPolicy", "deny", { rules: [] }));
  return rig;
}

test("gauges are read from the mesh at each scrape", async () => {
  const { configs, mesh } = filledMesh();
  const metrics = new Metrics();
  const clock = new FakeClock();
  meshMetrics(metrics, { configs, mesh, clock, version: "1.2.3", findings: () => new Map([["IST0109", 2]]) });
  await clock.advance(5_000);
  const text = await metrics.text();
  for (const line of [
    "pilot_services 2",
    "pilot_virt_services 1",
    // Two ports of the service without a workload.
    "pilot_eds_no_instances 2",
    "pilot_endpoint_not_ready 1",
    "pilot_destrule_subsets 1",
    "pilot_vservice_dup_domain 2",
    'lateen_analysis_objects{code="IST0109"} 2',
    "istiod_uptime_seconds 5",
    'pilot_info{version="1.2.3"} 1',
    'istio_build{component="pilot",tag="1.2.3"} 1',
  ]) {
    assert.ok(text.split("\n").includes(line), line);
  }
});

test("the mesh is shown as data, in istiod's words", async (t) => {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  const client = rig.client({ node: { id: "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local" } });
  client.subscribe(typeUrls.cluster);
  await client.nextAcked();
  const { configs, mesh } = filledMesh();
  const { config: meshConfig } = decodeMeshConfig("", "MeshConfig");
  const pages = meshPages({ configs, mesh, meshConfig, rootNamespace: "istio-system", ads: rig.ads });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into pages of any shape
  const show = (name: string, query = ""): any => {
    const shown = pages
      .find((page) => page.name === name)
      ?.show({ rest: "", query: new URLSearchParams(query), signal: new AbortController().signal });
    return JSON.parse(shown instanceof JsonStream ? [...shown.pieces].join("") : JSON.stringify(shown));
  };
  assert.equal(show("configz").length, 8);
  const [routing, ...others] = show("configz", "kind=virtualservice&namespace=shop");
  assert.equal(others.length, 0);
  assert.deepEqual(
    [routing.apiVersion, routing.origin, routing.metadata],
    ["networking.istio.io/v1", "web.yaml:3", { name: "web", namespace: "shop" }],
  );
  assert.equal(show("configz", "namespace=none").length, 0);
  const services = show("registryz");
  assert.deepEqual(
    services.map(({ hostname }: { hostname: string }) => hostname),
    ["web.example", "empty.example"],
  );
  assert.deepEqual([services[0].Resolution, services[0].MeshExternal], ["ClientSideLB", true]);
  const shards = show("endpointShardz");
  assert.deepEqual(
    shards["web.example"].shop.Shards.Kubernetes.map((one: Record<string, unknown>) => [
      one["Addresses"],
      one["HealthStatus"],
    ]),
    [
      [["10.0.0.1"], "Healthy"],
      [["10.0.0.2"], "UnHealthy"],
    ],
  );
  assert.deepEqual(show("endpointz"), shards);
  const instances = show("instancesz");
  assert.deepEqual(
    Object.values(instances).map((list) => (list as { hostname: string }[]).map(({ hostname }) => hostname)),
    [["web.example"]],
  );
  assert.deepEqual(show("instancesz", "proxyID=nobody"), {});
  assert.equal(show("authorizationz").authorization_policies.namespace_to_policies.shop[0].name, "deny");
  assert.ok(show("resourcesz").some(({ Kind }: { Kind: string }) => Kind === "WorkloadEntry"));
  assert.equal(show("mesh").rootNamespace, "istio-system");
});
