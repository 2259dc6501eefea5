// Which workloads are the endpoints of which port of a service, and under which labels.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { machine, meshOf, object, service, transports, workload } from "./mesh-world.fake.ts";

const http = "[{number: 80, name: http, protocol: HTTP}]";

describe("labels of a WorkloadEntry", () => {
  it("are those of its metadata before those of its spec", () => {
    const objects =
      service("reviews", http) +
      workload("reviews-1", "198.18.1.1", "{app: reviews, version: v1}").replace(
        "namespace: shop\n  annotations",
        "namespace: shop\n  labels: {version: v2}\n  annotations",
      ) +
      object("DestinationRule", "d", "{host: reviews, subsets: [{name: v2, labels: {version: v2}}]}") +
      object(
        "VirtualService",
        "v",
        "{hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: v2}}]}]}",
      );
    assert.deepEqual(transports(machine(meshOf(objects)).http("http://reviews/")), {
      "198.18.1.1:80": "mutual TLS",
    });
  });
});
