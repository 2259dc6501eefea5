// DestinationRule.spec.workloadSelector.matchLabels → the callers that have the rule
// DestinationRule.spec.exportTo, MeshConfig.defaultDestinationRuleExportTo, MeshConfig.rootNamespace → the callers that have the rule
// DestinationRule.spec.subsets[].trafficPolicy → DestinationRule.spec.trafficPolicy
// DestinationRule.spec.trafficPolicy.portLevelSettings[] → DestinationRule.spec.trafficPolicy
// DestinationRule.spec.trafficPolicy.portLevelSettings[].port → the clusters of the port
//
// Which DestinationRule holds for a host, and what it says for one port and subset.
import type { DestinationRule } from "../config/destination-rule/destination-rule.ts";
import type { TrafficPolicy } from "../config/destination-rule/traffic-policy.ts";
import type { Config } from "../config/object.ts";
import { byKey } from "../kernel/key-order.ts";
import type { Caller } from "./caller.ts";
import type { Service } from "./service.ts";
import { byAge } from "./source-ref.ts";
import { isVisible, visibilityOf } from "./visibility.ts";

export type DestinationRuleSubset = NonNullable<DestinationRule["subsets"]>[number];

/** The rules that hold for one host as one caller sees it; they are merged as Istio merges them. */
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
  caller: Pick<Caller, "is" | "has">,
  mesh: { rootNamespace: string; defaultDestinationRuleExportTo: readonly string[] },
): HostRules {
  const owners: readonly ((namespace: string) => boolean)[] = [
    (namespace) => caller.is(namespace),
    (namespace) => namespace === service.namespace,
    (namespace) => namespace === mesh.rootNamespace,
  ];
  for (const isOwner of owners) {
    for (const pattern of candidates) {
      const rules = pattern.filter((rule) => isOwner(rule.key.namespace) && concerns(rule, caller, mesh));
      if (rules.length > 0) return mergeRules(mostSelective(rules.sort(byAge)));
    }
  }
  return noRules;
}

function concerns(
  { spec, key }: Config<DestinationRule>,
  caller: Pick<Caller, "is" | "has">,
  mesh: { defaultDestinationRuleExportTo: readonly string[] },
): boolean {
  // Whatever exportTo says, a rule for chosen callers is for its own namespace.
  if (spec.workloadSelector !== undefined) {
    const labels = Object.entries(spec.workloadSelector.matchLabels ?? {});
    return caller.is(key.namespace) && labels.every(([name, value]) => caller.has(name, value));
  }
  const fallback = mesh.defaultDestinationRuleExportTo;
  return caller.is(key.namespace) || isVisible(visibilityOf(spec.exportTo, key.namespace, fallback), caller);
}

/**
 * Rules that choose the caller stand in for those that choose nobody: the oldest, with those of the same selector and, as
 * Istio merges only what is exported alike, with those for all that name their own namespace.
 *
 * @param rules that concern the caller, oldest first
 */
function mostSelective(rules: readonly Config<DestinationRule>[]): readonly Config<DestinationRule>[] {
  const oldest = rules.find(({ spec }) => spec.workloadSelector !== undefined);
  if (oldest === undefined) return rules;
  const selector = selectorKey(oldest);
  const general = rules.filter(({ spec }) => spec.workloadSelector === undefined && spec.exportTo?.includes("."));
  return [...rules.filter((rule) => selectorKey(rule) === selector), ...general];
}

/** Equal for selectors that ask for the same labels; undefined where there is none. */
function selectorKey({ spec }: Config<DestinationRule>): string | undefined {
  if (spec.workloadSelector === undefined) return undefined;
  return JSON.stringify(Object.entries(spec.workloadSelector.matchLabels ?? {}).sort(byKey));
}

/** @param rules the ones whose settings come first, first */
function mergeRules(rules: readonly Config<DestinationRule>[]): HostRules {
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
