// DestinationRule.spec.trafficPolicy.connectionPool.tcp.tcpKeepalive → envoy.config.cluster.v3.UpstreamConnectionOptions
import { create } from "@bufbuild/protobuf";
import { type Cluster, UpstreamConnectionOptionsSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { parseDurationMs } from "../../config/duration.ts";

interface Keepalive {
  probes?: number | undefined;
  time?: string | undefined;
  interval?: string | undefined;
}

export function applyTcpKeepalive(cluster: Cluster, keepalive: Keepalive | undefined): void {
  if (keepalive === undefined) return;
  const seconds = (text: string | undefined): number | undefined => {
    const ms = text === undefined ? undefined : parseDurationMs(text);
    return ms === undefined ? undefined : Math.ceil(ms / 1000);
  };
  const [time, interval] = [seconds(keepalive.time), seconds(keepalive.interval)];
  cluster.upstreamConnectionOptions = create(UpstreamConnectionOptionsSchema, {
    tcpKeepalive: {
      ...(keepalive.probes === undefined || keepalive.probes === 0 ? {} : { keepaliveProbes: keepalive.probes }),
      ...(time === undefined ? {} : { keepaliveTime: time }),
      ...(interval === undefined ? {} : { keepaliveInterval: interval }),
    },
  });
}
