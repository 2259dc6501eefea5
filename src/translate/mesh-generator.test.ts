import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { formatConfigKey } from "../config/object.ts";
import { FakeClock } from "../kernel/clock.fake.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import type { ClientView } from "../xds/generator.ts";
import { readNode } from "../xds/node-info.ts";
import { typeUrls } from "../xds/type-url.ts";
import { rigOf } from "./golden-case.fake.ts";
import { MeshGenerator } from "./mesh-generator.ts";

test("a scope outlives its last proxy by a minute, however many machines leave after it", async () => {
  const rig = rigOf("");
  const clock = new FakeClock();
  const generator = new MeshGenerator(rig.mesh, rig.graph, { clock });
  const open = (namespace: string, app: string) => {
    const id = `sidecar~10.0.0.1~${app}.${namespace}~${namespace}.svc.cluster.local`;
    const node = readNode(create(NodeSchema, { id, metadata: { NAMESPACE: namespace, LABELS: { app } } }));
    return generator.open({ node, identities: [] });
  };
  const first = open("team-a", "front");
  const others = Array.from({ length: 20 }, (_, index) => open("team-b", `app-${index}`));
  first.close();
  for (const view of others) view.close();
  assert.deepEqual({ ...generator.counts, interned: 0 }, { scopes: 2, workloads: 0, clients: 0, interned: 0 });
  await clock.advance(60_000);
  assert.equal(generator.counts.scopes, 0);
});

test("knows which scopes were used last", () => {
  const rig = rigOf("");
  const generator = new MeshGenerator(rig.mesh, rig.graph);
  const open = (namespace: string) => {
    const id = `sidecar~10.0.0.1~vm.${namespace}~${namespace}.svc.cluster.local`;
    generator.open({ node: readNode(create(NodeSchema, { id, metadata: { NAMESPACE: namespace } })), identities: [] });
  };
  for (const namespace of ["a", "b", "a"]) open(namespace);
  assert.deepEqual(
    generator.recentScopes.map(({ scope }) => scope.namespace),
    ["a", "b"],
  );
});

const chosenByApp = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: chosen, namespace: shop}
spec:
  hosts: [web.example.com]
  http:
  - match: [{sourceLabels: {app: front}}]
    directResponse: {status: 204}
  exportTo: ["."]
`;

test("machines share a scope whatever values their labels have, unless a rule that they see names one", () => {
  const rig = rigOf(chosenByApp);
  const clients = ["shop", "data"].flatMap((namespace) =>
    ["front", ...Array.from({ length: 10 }, (_, index) => `app-${index}`)].map((app, at) =>
      rig.open({ name: app, namespace, ip: `198.18.0.${at}`, labels: { app, version: `v${at}` } }),
    ),
  );
  assert.deepEqual(
    rig.generator.inspect().scopes.map(({ scope, users }) => [scope.namespace, scope.sourceLabels, users]),
    [
      ["shop", { app: "front" }, 1],
      ["shop", {}, 10],
      ["data", {}, 11],
    ],
  );
  for (const client of clients) client.close();
});

test("machines move to another scope when a rule comes to choose them, and back when it goes; others stay where they are", () => {
  const rig = rigOf("");
  const [front, cart] = ["front", "cart"].map((app) =>
    rig.open({ name: app, namespace: "shop", ip: "198.18.0.1", labels: { app } }),
  ) as [ClientView, ClientView];
  const routes = (client: ClientView) => [...client.resources(typeUrls.route).values()].map(({ version }) => version);
  const none = routes(front);
  const [rule] = rigOf(chosenByApp).configs.values();
  assert.ok(rule !== undefined);
  for (let round = 0; round < 2; round++) {
    rig.put(rule);
    assert.equal(rig.generator.counts.scopes, 2);
    assert.notDeepEqual(routes(front), routes(cart));
    rig.configs.delete(formatConfigKey(rule.key));
    assert.equal(rig.generator.counts.scopes, 1);
    assert.deepEqual(routes(front), none);
  }
});

test("of too many sets of labels in one namespace, some are served as none, and other namespaces do not notice", () => {
  const { log, lines } = fakeLog();
  const rig = rigOf("");
  const generator = new MeshGenerator(rig.mesh, rig.graph, { log });
  const [rule] = rigOf(chosenByApp).configs.values();
  assert.ok(rule !== undefined);
  const match = Array.from({ length: 130 }, (_, index) => ({ sourceLabels: { app: `app-${index}` } }));
  rig.put({
    ...rule,
    spec: { ...(rule.spec as object), exportTo: ["*"], http: [{ match, directResponse: { status: 204 } }] },
  });
  const open = (namespace: string, index: number): ClientView =>
    generator.open(rig.clientOf({ name: `p-${index}`, namespace, ip: "198.18.0.1", labels: { app: `app-${index}` } }));
  const clients = match.map((_, index) => open("shop", index));
  assert.equal(generator.counts.scopes, 129);
  assert.equal(generator.withoutLabels, 2);
  assert.deepEqual(
    lines.map(({ level, namespace }) => [level, namespace]),
    [["warn", "shop"]],
  );
  clients.push(open("shop", 3), open("data", 129));
  assert.equal(generator.withoutLabels, 2);
  clients[0]?.close();
  clients.push(open("shop", 129));
  assert.equal(generator.withoutLabels, 2);
  for (const client of clients) client.close();
  assert.equal(generator.counts.scopes, 0);
});
