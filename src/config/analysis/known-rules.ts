// DestinationRules by the host that they are for.
import type { DestinationRule } from "../destination-rule/destination-rule.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { pushTo } from "./grouped.ts";
import { type AnalysisSettings, fullHost } from "./settings.ts";
import { type Visible, visibleIn } from "./visibility.ts";

/** A DestinationRule's subsets, and who sees them. */
export interface KnownRule {
  readonly host: string;
  readonly visible: Visible;
  readonly subsets: readonly string[];
}

export interface KnownRules {
  /** By full host, wildcards included. */
  readonly byHost: ReadonlyMap<string, readonly KnownRule[]>;
  readonly wildcards: readonly KnownRule[];
}

/** Objects that are indexed before it yields. */
const objectsPerStep = 1_000;

export function* indexRules(
  destinationRules: readonly AnalyzedObject<DestinationRule>[],
  settings: AnalysisSettings,
): Generator<void, KnownRules, void> {
  const byHost = new Map<string, KnownRule[]>();
  const wildcards: KnownRule[] = [];
  for (const [at, { object }] of destinationRules.entries()) {
    if (at % objectsPerStep === objectsPerStep - 1) yield;
    const { spec, metadata } = object;
    if (spec === undefined) continue;
    const rule = {
      host: fullHost(spec.host, metadata.namespace, settings),
      // Rules for chosen callers never leave their namespace.
      visible: visibleIn(spec.workloadSelector === undefined ? spec.exportTo : ["."], metadata.namespace),
      subsets: (spec.subsets ?? []).map((subset) => subset.name),
    };
    pushTo(byHost, rule.host, rule);
    if (rule.host.startsWith("*")) wildcards.push(rule);
  }
  return { byHost, wildcards };
}
