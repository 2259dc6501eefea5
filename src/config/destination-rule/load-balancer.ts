// LoadBalancerSettings: how requests are spread over endpoints (istio.networking.v1alpha3.LoadBalancerSettings).
import { duration } from "../duration.ts";
import { atMostOne, integer, list, number, object, oneOfStrings, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, dubious, type Report } from "../virtual-service/finding.ts";
import { notNegativeDuration } from "./bounds.ts";
import { consistentHashSchema } from "./consistent-hash.ts";
import { checkLocality, localitySchema, onePreference, zoneAwareSchema } from "./locality-load-balancer.ts";

const aboveZero: Rule<number> = { message: "must be greater than 0", test: (value) => value > 0 };

const warmup = object(
  {
    duration: duration({
      description: "Time over which a new endpoint's share grows to its full size.",
      positive: true,
    }),
    minimumPercent: number({
      description: "Percent of its share that a new endpoint starts with.",
      minimum: 0,
      maximum: 100,
      default: 10,
    }),
    aggression: number({
      description: "Shape of the growth: 1 is linear, larger values hold back longer and then rise faster.",
      minimum: 0,
      default: 1,
      rules: [aboveZero],
    }),
  },
  { description: "Sends new endpoints little traffic at first, then more and more.", required: ["duration"] },
);

const backendUtilization = object(
  {
    weightUpdatePeriod: duration({ description: "Time between new weights.", rules: [notNegativeDuration] }),
    weightStabilizationPeriod: duration({
      description: "Time an endpoint must report before its weight counts.",
      rules: [notNegativeDuration],
    }),
    weightExpirationPeriod: duration({
      description: "Time without reports after which a weight is forgotten.",
      rules: [notNegativeDuration],
    }),
    errorUtilizationPenaltyPercent: integer("uint32", { description: "How much errors lower a weight, percent." }),
    metricNamesForComputingUtilization: list(string({ description: "Name of a reported metric." }), {
      description: "Reported metrics that utilization is computed from.",
    }),
  },
  { description: "Weights endpoints by the load they report (ORCA).", pending: true },
);

const oneWarmup: Rule<{ warmup?: unknown; warmupDurationSecs?: unknown }> = {
  message: "warmup and warmupDurationSecs cannot be combined",
  at: "warmupDurationSecs",
  test: (settings) => settings.warmup === undefined || settings.warmupDurationSecs === undefined,
};

export const loadBalancerSchema = object(
  {
    simple: oneOfStrings(["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"], {
      description:
        "LEAST_REQUEST takes the less busy of two random endpoints, ROUND_ROBIN each in turn, RANDOM any, PASSTHROUGH the address the client called. LEAST_CONN is the old name of LEAST_REQUEST.",
      default: "LEAST_REQUEST",
    }),
    consistentHash: consistentHashSchema,
    backendUtilization,
    localityLbSetting: localitySchema,
    zoneAwareLbSetting: zoneAwareSchema,
    warmup,
    warmupDurationSecs: duration({
      description: "Time over which a new endpoint's share grows; use warmup instead.",
      positive: true,
      deprecated: true,
      pending: true,
    }),
  },
  {
    description: "How requests are spread over the endpoints.",
    rules: [atMostOne("simple", "consistentHash", "backendUtilization"), oneWarmup, onePreference],
  },
);

export type LoadBalancer = SpecOf<typeof loadBalancerSchema>;

/** The balancers Envoy can start slowly (envoy.config.cluster.v3.Cluster.SlowStartConfig). */
const slowStarters = ["UNSPECIFIED", "ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN"];

const hashKeys = ["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"] as const;

export function checkLoadBalancer(balancer: LoadBalancer, at: At, report: Report): void {
  const hash = balancer.consistentHash;
  if (hash !== undefined && hashKeys.every((key) => hash[key] === undefined || hash[key] === false)) {
    const message = "has no key to hash, so requests are spread at random";
    report(dubious([...at, "consistentHash"], message, `Set one of ${hashKeys.join(", ")}.`));
  }
  const starts = hash === undefined && slowStarters.includes(balancer.simple ?? "UNSPECIFIED");
  if (balancer.warmup !== undefined && !starts) {
    report(dubious([...at, "warmup"], "has an effect with ROUND_ROBIN and LEAST_REQUEST only"));
  }
  if (balancer.localityLbSetting !== undefined) {
    checkLocality(balancer.localityLbSetting, [...at, "localityLbSetting"], report);
  }
}
