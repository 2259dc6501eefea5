// DestinationRule.spec.exportTo, MeshConfig.defaultDestinationRuleExportTo, MeshConfig.rootNamespace → the callers that have the rule
// DestinationRule.spec.subsets[].trafficPolicy → DestinationRule.spec.trafficPolicy
// DestinationRule.spec.trafficPolicy.portLevelSettings[] → DestinationRule.spec.trafficPolicy
// DestinationRule.spec.trafficPolicy.portLevelSettings[].port → the clusters of the port
//
// Which DestinationRule holds for a host, and what it says for one port and subset.
import type { DestinationRule } from "../config/destination-rule/destination-rule.ts";
import type { TrafficPolicy } from "../config/destination-rule/traffic-policy.ts";
import type { Config } from "../config/object.ts";
import type { Service } from "./service.ts";
import { byAge } from "./source-ref.ts";
import { isVisible, visibilityOf } from "./visibility.ts";

export type DestinationRuleSubset = NonNullable<DestinationRule["subsets"]>[number];

/** The rules that hold for one host as one namespace sees it, oldest first; they are merged as Istio merges them. */
export interface HostRules {
  readonly rules: readonly Config<DestinationRule>[];
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly DestinationRuleSubset[];
}

const noRules: HostRules = { rules: [], trafficPolicy: undefined, subsets: [] };

/**
 * @param candidates rules by host pattern, most specific pattern first
 *
 * The caller's namespace comes first, then the service's, then the root namespace (Istio's lookup). Within one namespace the
 * most specific pattern wins; several rules for it are merged: the oldest traffic policy, all subsets by name.
 */
export function selectRules(
  candidates: readonly (readonly Config<DestinationRule>[])[],
  service: Service,
  namespace: string,
  mesh: { rootNamespace: string; defaultDestinationRuleExportTo: readonly string[] },
): HostRules {
  for (const owner of new Set([namespace, service.namespace, mesh.rootNamespace])) {
    for (const pattern of candidates) {
      const rules = pattern.filter((rule) => rule.key.namespace === owner && isRuleVisible(rule, namespace, mesh));
      if (rules.length > 0) return mergeRules(rules);
    }
  }
  return noRules;
}

function isRuleVisible(
  rule: Config<DestinationRule>,
  namespace: string,
  mesh: { defaultDestinationRuleExportTo: readonly string[] },
): boolean {
  const fallback = mesh.defaultDestinationRuleExportTo;
  return (
    rule.key.namespace === namespace ||
    isVisible(visibilityOf(rule.spec.exportTo, rule.key.namespace, fallback), namespace)
  );
}

function mergeRules(unordered: readonly Config<DestinationRule>[]): HostRules {
  const rules = [...unordered].sort(byAge);
  const subsets = new Map<string, DestinationRuleSubset>();
  for (const rule of rules) {
    for (const subset of rule.spec.subsets ?? []) if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
  }
  return {
    rules,
    trafficPolicy: rules.find((rule) => rule.spec.trafficPolicy !== undefined)?.spec.trafficPolicy,
    subsets: [...subsets.values()],
  };
}

/** The parts of a traffic policy that may differ by port. */
export interface PortPolicy {
  connectionPool?: TrafficPolicy["connectionPool"];
  loadBalancer?: TrafficPolicy["loadBalancer"];
  outlierDetection?: TrafficPolicy["outlierDetection"];
  tls?: TrafficPolicy["tls"];
}

/**
 * A port's own settings before the policy's, a subset's before the host's; each part is taken whole (Istio's
 * MergeTrafficPolicy). Settings of a subset for the port stand alone: what they do not say is default.
 */
export function policyFor(
  hostPolicy: TrafficPolicy | undefined,
  subsetPolicy: TrafficPolicy | undefined,
  port: number,
): PortPolicy {
  const alone = ownPortSettings(subsetPolicy, port);
  const layers = (alone === undefined ? [subsetPolicy, portSettings(hostPolicy, port)] : [alone]).filter(
    (layer) => layer !== undefined,
  );
  const merged: PortPolicy = {};
  for (const layer of layers) {
    if (layer.connectionPool !== undefined) merged.connectionPool ??= layer.connectionPool;
    if (layer.loadBalancer !== undefined) merged.loadBalancer ??= layer.loadBalancer;
    if (layer.outlierDetection !== undefined) merged.outlierDetection ??= layer.outlierDetection;
    if (layer.tls !== undefined) merged.tls ??= layer.tls;
  }
  return merged;
}

/** Settings of the port replace those of the whole policy: what the port does not say is default, not inherited (Istio's rule). */
function portSettings(policy: TrafficPolicy | undefined, port: number): PortPolicy | undefined {
  return ownPortSettings(policy, port) ?? policy;
}

function ownPortSettings(policy: TrafficPolicy | undefined, port: number): PortPolicy | undefined {
  return policy?.portLevelSettings?.find((setting) => setting.port?.number === port);
}
