// DestinationRule.spec.trafficPolicy.loadBalancer.simple, DestinationRule.spec.trafficPolicy.loadBalancer.warmup, DestinationRule.spec.trafficPolicy.loadBalancer.consistentHash.ringHash, DestinationRule.spec.trafficPolicy.loadBalancer.consistentHash.maglev, DestinationRule.spec.trafficPolicy.loadBalancer.consistentHash.minimumRingSize → envoy.config.cluster.v3.Cluster.lb_policy
import { create } from "@bufbuild/protobuf";
import {
  type Cluster,
  Cluster_LeastRequestLbConfigSchema,
  Cluster_MaglevLbConfigSchema,
  Cluster_RingHashLbConfigSchema,
  Cluster_RoundRobinLbConfigSchema,
  Cluster_SlowStartConfigSchema,
  Cluster_LbPolicy as LbPolicy,
} from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { LoadBalancer } from "../../config/destination-rule/load-balancer.ts";
import { durationFrom } from "../duration.ts";

/** Istio's default ring size (consistentHash.ringHash.minimumRingSize). */
const defaultRingSize = 1024;

/** Sets the policy of a cluster whose endpoints Envoy chooses; LEAST_REQUEST where nothing is said. */
export function applyLoadBalancer(cluster: Cluster, policy: LoadBalancer | undefined): void {
  const hash = policy?.consistentHash;
  if (hash !== undefined) {
    applyConsistentHash(cluster, hash);
    return;
  }
  const slowStart = slowStartOf(policy);
  switch (policy?.simple) {
    case "ROUND_ROBIN":
      cluster.lbPolicy = LbPolicy.ROUND_ROBIN;
      if (slowStart !== undefined) {
        cluster.lbConfig = {
          case: "roundRobinLbConfig",
          value: create(Cluster_RoundRobinLbConfigSchema, { slowStartConfig: slowStart }),
        };
      }
      return;
    case "RANDOM":
      cluster.lbPolicy = LbPolicy.RANDOM;
      return;
    case "PASSTHROUGH":
      cluster.lbPolicy = LbPolicy.CLUSTER_PROVIDED;
      return;
    default:
      cluster.lbPolicy = LbPolicy.LEAST_REQUEST;
      if (slowStart !== undefined) {
        cluster.lbConfig = {
          case: "leastRequestLbConfig",
          value: create(Cluster_LeastRequestLbConfigSchema, { slowStartConfig: slowStart }),
        };
      }
  }
}

function applyConsistentHash(cluster: Cluster, hash: NonNullable<LoadBalancer["consistentHash"]>): void {
  if (hash.maglev !== undefined) {
    cluster.lbPolicy = LbPolicy.MAGLEV;
    if (hash.maglev.tableSize !== undefined && hash.maglev.tableSize > 0) {
      const value = create(Cluster_MaglevLbConfigSchema, { tableSize: BigInt(hash.maglev.tableSize) });
      cluster.lbConfig = { case: "maglevLbConfig", value };
    }
    return;
  }
  cluster.lbPolicy = LbPolicy.RING_HASH;
  const size = hash.ringHash?.minimumRingSize ?? hash.minimumRingSize ?? 0;
  cluster.lbConfig = {
    case: "ringHashLbConfig",
    value: create(Cluster_RingHashLbConfigSchema, { minimumRingSize: BigInt(size > 0 ? size : defaultRingSize) }),
  };
}

function slowStartOf(policy: LoadBalancer | undefined) {
  const warmup = policy?.warmup;
  if (warmup === undefined) return undefined;
  const window = durationFrom(warmup.duration);
  return create(Cluster_SlowStartConfigSchema, {
    ...(window === undefined ? {} : { slowStartWindow: window }),
    aggression: { defaultValue: warmup.aggression ?? 1, runtimeKey: "" },
    minWeightPercent: { value: warmup.minimumPercent ?? 10 },
  });
}
