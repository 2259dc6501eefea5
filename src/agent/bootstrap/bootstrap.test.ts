import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import { NodeSchema } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { readNode } from "../../xds/node-info.ts";
import { bootstrapInput } from "./bootstrap.fake.ts";
import { buildBootstrap } from "./bootstrap.ts";
import { buildNode, type NodeInput } from "./node.ts";

const node: NodeInput = bootstrapInput.node;

test("the control plane reads of the node what Istio's would", () => {
  const info = readNode(fromJson(NodeSchema, buildNode(node)));
  assert.equal(info.id, "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local");
  assert.deepEqual(
    [info.type, info.name, info.namespace, info.serviceAccount, info.cluster, info.network],
    ["sidecar", "vm-1.shop", "shop", "reviews-sa", "reviews.shop", "net1"],
  );
  assert.deepEqual(info.ips, ["10.0.0.1", "fd00::1"]);
  assert.deepEqual(info.labels, { app: "reviews", version: "v1" });
  assert.deepEqual(info.locality, { region: "eu", zone: "a", subZone: "" });
  assert.equal(info.autoRegisterGroup, "reviews");
  assert.equal(info.envoyVersion, "1.40.0");
  assert.equal(info.dnsCapture, true);
  assert.deepEqual([...info.capabilities], ["query"]);
});

test("Istio's booleans and ports are strings", () => {
  const { metadata } = buildNode(node) as { metadata: Record<string, unknown> };
  assert.equal(metadata["DNS_CAPTURE"], "true");
  assert.equal(metadata["ENVOY_STATUS_PORT"], "15021");
  assert.deepEqual(JSON.parse(String(metadata["POD_PORTS"])), [{ name: "http", containerPort: 8080, protocol: "TCP" }]);
});

test("the admin interface listens on loopback only, and xDS and SDS on the agent's socket only", () => {
  const bootstrap = buildBootstrap(bootstrapInput) as {
    admin: { address: { socketAddress: { address: string } } };
    staticResources: { clusters: { name: string; loadAssignment: unknown }[] };
  };
  assert.equal(bootstrap.admin.address.socketAddress.address, "127.0.0.1");
  const pipes = bootstrap.staticResources.clusters.filter(({ loadAssignment }) =>
    JSON.stringify(loadAssignment).includes('"pipe":{"path":"/run/lateen/proxy/socket"}'),
  );
  assert.deepEqual(
    pipes.map(({ name }) => name),
    ["xds-grpc", "sds-grpc"],
  );
});

test("there is no secret in the bootstrap, which other users can read", () => {
  assert.doesNotMatch(JSON.stringify(buildBootstrap(bootstrapInput)), /PRIVATE|lateen1\.|Bearer/);
});
