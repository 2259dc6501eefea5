import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { FakeClock } from "../kernel/clock.fake.ts";
import { readNode } from "../xds/node-info.ts";
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
