// A relay with a clock that a test turns.
import { create, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { NodeSchema } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { utf8 } from "../../kernel/bytes.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { FakeControlPlane, type FakeResource } from "./control-plane.fake.ts";
import { FakeEnvoy, type FakeEnvoyOptions } from "./envoy.fake.ts";
import { XdsRelay } from "./xds-relay.ts";

export function fakeRelay() {
  const clock = new FakeClock();
  const { log, lines } = fakeLog();
  const relay = new XdsRelay({
    node: () => create(NodeSchema, { id: "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local" }),
    clock,
    log,
    metrics: new Metrics(),
  });
  return { relay, clock, lines };
}

/** A relay that starts anew with what the disk of one before it has of the types. */
export function rebootedRelay(before: XdsRelay, types: readonly string[]) {
  before.stop();
  const machine = fakeRelay();
  for (const typeUrl of types) {
    if (!before.cacheOf(typeUrl).answered) continue;
    machine.relay.cacheOf(typeUrl).restore([...before.cacheOf(typeUrl).lastKnownGood()]);
    machine.relay.restored(typeUrl);
  }
  return machine;
}

/** A relay between a control plane and Envoys in memory. */
export function relayRig() {
  const { relay, clock, lines } = fakeRelay();
  const control = new FakeControlPlane();
  return {
    relay,
    clock,
    lines,
    control,
    connect: () => control.connect((send) => relay.openUpstream(send)),
    envoy: (options?: FakeEnvoyOptions) => new FakeEnvoy((call) => relay.acceptEnvoy(call), options),
  };
}

export function textResource(name: string, version: string, text = `${name} ${version}`): FakeResource {
  return { name, version, body: utf8(text) };
}

export function edsCluster(name: string, version: string): FakeResource {
  const cluster = create(ClusterSchema, {
    name,
    altStatName: version,
    clusterDiscoveryType: { case: "type", value: 3 },
  });
  return { name, version, body: toBinary(ClusterSchema, cluster) };
}
