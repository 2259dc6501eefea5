import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { MachineConfigSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { meshSettings, workloadGroup } from "./ca-server.fake.ts";
import { machineConfigOf } from "./machine-config.ts";

test("a group without settings gives Istio's defaults", () => {
  const config = machineConfigOf(workloadGroup("shop", "reviews", { template: {} }), meshSettings);
  const { workloads, ...rest } = config;
  assert.equal(rest.trustDomain, "cluster.local");
  assert.equal(rest.rootNamespace, "istio-system");
  const [workload] = workloads;
  assert.equal(workload?.namespace, "shop");
  assert.equal(workload?.group, "reviews");
  assert.equal(workload?.serviceAccount, "default");
  assert.deepEqual(workload?.labels, {
    "service.istio.io/canonical-name": "reviews",
    "service.istio.io/canonical-revision": "latest",
  });
  assert.deepEqual(workload?.capture?.includeInboundPorts, []);
  assert.equal(workload?.capture?.captureDns, true);
  assert.deepEqual([workload?.capture?.outboundPort, workload?.capture?.inboundPort], [15001, 15006]);
});

test("labels of metadata go over those of the template; canonical names follow app and version", () => {
  const config = machineConfigOf(
    workloadGroup("shop", "g", {
      template: { labels: { app: "a", tier: "t" }, locality: "r/z/s", network: "n", ports: { http: 80 } },
      metadata: { labels: { app: "b", version: "v2" } },
    }),
    meshSettings,
  );
  const [workload] = config.workloads;
  assert.deepEqual(workload?.labels, {
    app: "b",
    "service.istio.io/canonical-name": "b",
    "service.istio.io/canonical-revision": "v2",
    tier: "t",
    version: "v2",
  });
  assert.equal(workload?.locality, "r/z/s");
  assert.equal(workload?.network, "n");
  assert.deepEqual(workload?.ports, { http: 80 });
});

test("capture follows Istio's annotations, without what is no port or range", () => {
  const prefix = "traffic.sidecar.istio.io/";
  const config = machineConfigOf(
    workloadGroup("shop", "g", {
      template: {},
      metadata: {
        annotations: {
          [`${prefix}includeInboundPorts`]: "*",
          [`${prefix}excludeInboundPorts`]: "22, 9100,9100,0,65536,x,,-1",
          [`${prefix}excludeOutboundPorts`]: "5432",
          [`${prefix}excludeOutboundIPRanges`]: "10.1.2.3/8, 2001:db8::/32,nonsense,10.0.0.0/99",
        },
      },
    }),
    { ...meshSettings, captureDns: false },
  );
  const capture = config.workloads[0]?.capture;
  assert.deepEqual(capture?.includeInboundPorts, []);
  assert.deepEqual(capture?.excludeInboundPorts, [22, 9100]);
  assert.deepEqual(capture?.excludeOutboundPorts, [5432]);
  assert.deepEqual(capture?.excludeOutboundCidrs, ["10.0.0.0/8", "2001:db8::/32"]);
  assert.equal(capture?.captureDns, false);
});

test("the same content gives the same bytes, whatever the order it was written in", () => {
  const bytes = (labels: Record<string, string>): Uint8Array =>
    toBinary(MachineConfigSchema, machineConfigOf(workloadGroup("a", "b", { template: { labels } }), meshSettings));
  assert.deepEqual(bytes({ x: "1", y: "2" }), bytes({ y: "2", x: "1" }));
});
