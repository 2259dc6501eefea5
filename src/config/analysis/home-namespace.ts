// Hosts that tell by their name which namespace they belong to.
import type { AnalysisSettings } from "./settings.ts";

/** `shop` of `reviews.shop.svc.cluster.local`; undefined for hosts that tell no namespace. */
export function homeOf(host: string, { domainSuffix }: AnalysisSettings): string | undefined {
  const tail = `.svc.${domainSuffix}`;
  if (!host.endsWith(tail)) return undefined;
  const [, owner, ...rest] = host.slice(0, -tail.length).split(".");
  return rest.length > 0 || owner === "" ? undefined : owner;
}

/** `reviews.shop` and `reviews.shop.svc`, of a host of the namespace. */
export function shortNamesOf(host: string, namespace: string, settings: AnalysisSettings): readonly string[] {
  if (homeOf(host, settings) !== namespace) return none;
  const long = host.slice(0, -settings.domainSuffix.length - 1);
  return [long.slice(0, -".svc".length), long];
}

const none: readonly string[] = [];
