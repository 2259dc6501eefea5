import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { HttpProtocolOptionsSchema } from "../../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { rigOf } from "../golden-case.fake.ts";
import { httpProtocolOptionsKey } from "./protocol-options.ts";

function entry(name: string, location: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}.example.com]
  location: ${location}
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 81, name: grpc, protocol: GRPC}, {number: 82, name: tcp, protocol: TCP}, {number: 443, name: https, protocol: HTTPS}]
  endpoints: [{address: 203.0.113.1}]
---
`;
}

/** Names of the filters that requests pass on their way to each cluster. */
function filtersByCluster(yaml: string): Record<string, string[]> {
  const view = rigOf(yaml).open({ name: "front", namespace: "shop", ip: "198.18.0.10" });
  const filters: Record<string, string[]> = {};
  for (const { name, body } of view.resources(typeUrls.cluster).values()) {
    const any = fromBinary(ClusterSchema, body).typedExtensionProtocolOptions[httpProtocolOptionsKey];
    const options = any === undefined ? undefined : fromBinary(HttpProtocolOptionsSchema, any.value);
    filters[name] = options?.httpFilters.map((filter) => filter.name) ?? [];
  }
  return filters;
}

describe("requests that leave the mesh", () => {
  const filters = filtersByCluster(entry("in", "MESH_INTERNAL") + entry("out", "MESH_EXTERNAL"));
  const removed = ["lateen.peer", "envoy.filters.http.upstream_codec"];

  it("do not tell which workload calls", () => {
    assert.deepEqual(filters["PassthroughCluster"], removed);
    // A route may send HTTP to any port: to 443 to have the cluster speak TLS.
    for (const port of [80, 81, 82, 443]) {
      assert.deepEqual(filters[`outbound|${port}||out.example.com`], removed, String(port));
    }
  });

  it("are the only ones that pass a filter", () => {
    const others = Object.entries(filters).filter(([, names]) => names.length > 0);
    assert.equal(others.length, 5);
  });
});
