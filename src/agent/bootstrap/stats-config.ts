// envoy.config.metrics.v3.StatsConfig: which of Envoy's statistics exist, and the labels Istio's dashboards know them by.
import type { JsonObject } from "@bufbuild/protobuf";

/** Istio's stat namespace: prefix of the stats access logger's scope, which the agent takes off again. */
export const istioStatPrefix = "istiocustom";

/** Kept whole. Everything else costs memory for each cluster and is left out. */
const keptPrefixes = [
  istioStatPrefix,
  "cluster_manager",
  "listener_manager",
  "server",
  "cluster.xds-grpc.upstream_",
  "control_plane",
  "runtime",
  "overload",
];
/** Kept for every cluster and listener: what tells a dead, refused or overloaded peer apart. */
const keptSuffixes = [
  "_cx_active",
  "upstream_cx_connect_fail",
  "upstream_rq_pending_overflow",
  "outlier_detection.ejections_active",
  "ssl.connection_error",
  "ssl.fail_verify_san",
  "ssl.fail_verify_error",
  "downstream_cx_overflow",
];
const keptInfixes = ["rbac.", "local_rate_limit", "sds."];

/** First words of what follows a cluster's name, which may hold dots itself. */
const clusterFamilies = "upstream|outlier_detection|ssl|membership|circuit_breakers|lb|update|init_fetch";
const connectionFamilies = "downstream|ssl|rbac|no_filter|http";

/** Istio's bucket bounds for milliseconds and bytes alike. */
const buckets = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

export function buildStatsConfig(): JsonObject {
  return {
    useAllDefaultTags: false,
    statsTags: [
      // The longest match: the family's word may occur in the name too.
      { tagName: "cluster_name", regex: `^cluster\\.((.*[^;]);?\\.)(?=(?:${clusterFamilies})[._])` },
      { tagName: "listener_address", regex: `^listener\\.((.+?)\\.)(?=(?:${connectionFamilies})[._])` },
      { tagName: "http_conn_manager_prefix", regex: `^http\\.((.+?)\\.)(?=(?:${connectionFamilies})[._])` },
    ],
    statsMatcher: {
      inclusionList: {
        patterns: [
          ...keptPrefixes.map((prefix) => ({ prefix })),
          ...keptSuffixes.map((suffix) => ({ suffix })),
          ...keptInfixes.map((contains) => ({ contains })),
        ],
      },
    },
    histogramBucketSettings: [{ match: { prefix: `${istioStatPrefix}.` }, buckets }],
  };
}
