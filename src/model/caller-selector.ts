// VirtualService.spec.http[].match[].sourceLabels, VirtualService.spec.tcp[].match[].sourceLabels, VirtualService.spec.tls[].match[].sourceLabels → the callers that can be told apart
// DestinationRule.spec.workloadSelector.matchLabels → the callers that can be told apart
//
// The labels by which rules choose callers. Of a caller's labels only those of selectors that it satisfies are kept: what
// satisfies the same selectors sees the same, whatever else it carries or claims.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Group } from "../collection/group.ts";
import { Join } from "../collection/join.ts";
import type { DestinationRule } from "../config/destination-rule/destination-rule.ts";
import type { Config } from "../config/object.ts";
import { matchesLabels } from "../config/selector.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { byKey } from "../kernel/key-order.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { type CallerMatch, isForMesh, isForSidecars } from "./virtual-service.ts";
import { type Visibility, visibilityOf } from "./visibility.ts";

type Labels = Readonly<Record<string, string>>;

/** Stands for the callers of all namespaces. */
export const everyNamespace = "*";

/** Labels that some rule asks callers for, all of them; never empty. */
export interface CallerSelector {
  /** Whose callers see the rule: a namespace, or `everyNamespace`. */
  readonly namespace: string;
  readonly labels: Labels;
}

export interface CallerSelectors {
  /** One for each namespace and set of labels, however many rules ask for it. */
  readonly all: Collection<CallerSelector>;
  /** By namespace and the first of their labels. */
  readonly byLabel: Collection<readonly CallerSelector[]>;
}

export interface CallerSelectorInputs {
  readonly virtualServices: Collection<Config<VirtualService>>;
  readonly destinationRules: Collection<Config<DestinationRule>>;
  readonly settings: Collection<MeshSettings>;
}

export function deriveCallerSelectors(inputs: CallerSelectorInputs): CallerSelectors {
  const { virtualServices, destinationRules, settings } = inputs;
  const all = new Join<CallerSelector>("caller-selectors", [
    new Derived<Config<VirtualService>, CallerSelector>({
      name: "caller-selectors-of-routes",
      from: virtualServices,
      uses: [settings],
      derive: (config, _, read) => {
        const fallback = (read.get(settings, meshSettingsKey) ?? defaultMeshSettings).defaultVirtualServiceExportTo;
        return selectorsOfRoutes(config, fallback);
      },
    }),
    new Derived<Config<DestinationRule>, CallerSelector>({
      name: "caller-selectors-of-rules",
      from: destinationRules,
      // A rule for chosen callers is for its own namespace.
      derive: ({ spec, key }) => selectorsFor([key.namespace], spec.workloadSelector?.matchLabels),
    }),
  ]);
  return {
    all,
    byLabel: new Group("caller-selectors-by-label", all, ({ namespace, labels }) =>
      sortedPairs(labels)
        .slice(0, 1)
        .map(([key, value]) => groupKey(namespace, key, value)),
    ),
  };
}

/**
 * The labels of the selectors that a caller satisfies, in order of their keys: equal for callers that satisfy the same ones.
 * A rule that the namespace sees asks them as it would ask all labels: of a selector that the caller does not satisfy, one
 * label is different or not there, and so it is here.
 *
 * @param labels what the caller carries
 */
export function askedLabels({ all, byLabel }: CallerSelectors, namespace: string, labels: Labels): Labels {
  if (all.size === 0) return {};
  const asked = new Map<string, string>();
  for (const [key, value] of Object.entries(labels)) {
    for (const audience of [namespace, everyNamespace]) {
      for (const selector of byLabel.get(groupKey(audience, key, value)) ?? []) {
        if (!matchesLabels(selector.labels, labels)) continue;
        for (const [name, wanted] of Object.entries(selector.labels)) asked.set(name, wanted);
      }
    }
  }
  return Object.fromEntries([...asked].sort(byKey));
}

function selectorsOfRoutes({ spec, key }: Config<VirtualService>, fallback: readonly string[]): Entry[] {
  if (!isForMesh(spec)) return [];
  const { http = [], tcp = [], tls = [] } = spec;
  const matches: readonly CallerMatch[] = [...http, ...tcp, ...tls].flatMap((route) => route.match ?? []);
  const visibility = visibilityOf(spec.exportTo, key.namespace, fallback);
  return matches
    .filter((match) => match.sourceLabels !== undefined && isForSidecars(match))
    .flatMap((match) => selectorsFor(audienceOf(match, key.namespace, visibility), match.sourceLabels));
}

/** Namespaces whose callers have the rule: those that see the object, its own among them, unless the match names one. */
function audienceOf({ sourceNamespace }: CallerMatch, own: string, visibility: Visibility): readonly string[] {
  const seeing = visibility.everywhere ? [everyNamespace] : [...new Set([own, ...visibility.namespaces])];
  if (sourceNamespace === undefined || sourceNamespace === "") return seeing;
  return visibility.everywhere || seeing.includes(sourceNamespace) ? [sourceNamespace] : [];
}

type Entry = readonly [string, CallerSelector];

function selectorsFor(namespaces: readonly string[], labels: Labels = {}): Entry[] {
  const pairs = sortedPairs(labels);
  if (pairs.length === 0) return [];
  return namespaces.map((namespace) => [JSON.stringify([namespace, pairs]), { namespace, labels }]);
}

function sortedPairs(labels: Labels): [string, string][] {
  return Object.entries(labels).sort(byKey);
}

function groupKey(namespace: string, key: string, value: string): string {
  return JSON.stringify([namespace, key, value]);
}
