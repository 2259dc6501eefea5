import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ClusterLoadAssignmentSchema } from "../../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { outboundClusterName } from "../../model/cluster-name.ts";
import type { EndpointView } from "../../model/endpoint-view.ts";
import { resolveHost } from "../../model/hostname.ts";
import type { Workload } from "../../model/workload.ts";
import { encodeLoadAssignment } from "./encoded-load-assignment.ts";
import { buildLoadAssignment } from "./load-assignment.ts";

const cluster = outboundClusterName(resolveHost("web", "shop", "cluster.local"), 80);
const workload = fc.record({
  name: fc.constantFrom("vm-1", "vm-2"),
  namespace: fc.constant("shop"),
  labels: fc.constantFrom({}, { app: "web" }, { app: "web", version: "v2" }),
  locality: fc.constantFrom("", "eu", "eu/a", "eu/a/r7"),
  weight: fc.constantFrom(0, 1, 5, 2 ** 31),
  healthy: fc.boolean(),
  clusterId: fc.constant("Kubernetes"),
});

test("the bytes are those of the whole message, however often parts of it were encoded before", () => {
  fc.assert(
    fc.property(
      fc.array(workload, { minLength: 1, maxLength: 4 }),
      fc.array(
        fc.array(
          fc.record({
            index: fc.nat(3),
            port: fc.constantFrom(80, 8080),
            mtls: fc.boolean(),
            addresses: fc.constantFrom(["10.0.0.1"], ["10.0.0.1", "2001:db8::1"], ["unix:///run/x"]),
          }),
          { maxLength: 6 },
        ),
        { minLength: 1, maxLength: 4 },
      ),
      (workloads, views) => {
        for (const members of views) {
          const endpoints = members
            .map(({ index, ...rest }) => {
              const chosen = workloads[index % workloads.length] as unknown as Workload;
              return { endpoint: { workload: chosen }, ...rest } as unknown as EndpointView;
            })
            .sort((a, b) => (a.endpoint.workload.locality < b.endpoint.workload.locality ? -1 : 1));
          const view = { cluster, endpoints };
          assert.deepEqual(
            Buffer.from(encodeLoadAssignment(view).body),
            Buffer.from(toBinary(ClusterLoadAssignmentSchema, buildLoadAssignment(view))),
          );
        }
      },
    ),
    { numRuns: 300 },
  );
});
