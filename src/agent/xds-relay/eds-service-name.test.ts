import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ClusterSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { edsServiceName } from "./eds-service-name.ts";

const encode = (cluster: MessageInitShape<typeof ClusterSchema>) =>
  toBinary(ClusterSchema, create(ClusterSchema, cluster));

test("an EDS cluster waits for its service name, else for its own name", () => {
  const type = { case: "type", value: 3 } as const;
  assert.equal(edsServiceName(encode({ name: "a", clusterDiscoveryType: type })), "a");
  assert.equal(
    edsServiceName(encode({ name: "a", clusterDiscoveryType: type, edsClusterConfig: { serviceName: "b" } })),
    "b",
  );
  assert.equal(
    edsServiceName(encode({ name: "ä", clusterDiscoveryType: type, edsClusterConfig: { serviceName: "" } })),
    "ä",
  );
});

test("other clusters wait for nothing", () => {
  for (const value of [0, 1, 2, 4] as const) {
    assert.equal(edsServiceName(encode({ name: "a", clusterDiscoveryType: { case: "type", value } })), undefined);
  }
  const custom = { case: "clusterType", value: { name: "envoy.clusters.dynamic_forward_proxy" } } as const;
  assert.equal(edsServiceName(encode({ name: "a", clusterDiscoveryType: custom })), undefined);
});

test("fields before and after do not confuse the reading", () => {
  const cluster = encode({
    name: "outbound|80||reviews.shop.svc.cluster.local",
    altStatName: "x".repeat(300),
    perConnectionBufferLimitBytes: 1 << 20,
    clusterDiscoveryType: { case: "type", value: 3 },
    connectTimeout: { seconds: 10n },
    loadAssignment: { clusterName: "not this" },
  });
  assert.equal(edsServiceName(cluster), "outbound|80||reviews.shop.svc.cluster.local");
});

test("arbitrary bytes are read to an answer, never to an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      edsServiceName(bytes);
    }),
    { numRuns: 10_000 },
  );
});
