// VirtualService.spec.gateways, VirtualService.spec.exportTo, MeshConfig.defaultVirtualServiceExportTo → the callers that have the rules
// VirtualService.spec.http[].match[].port, VirtualService.spec.http[].match[].gateways, VirtualService.spec.http[].match[].sourceNamespace, VirtualService.spec.http[].match[].sourceLabels → the callers that have a rule
// VirtualService.spec.tcp[].match[].port, VirtualService.spec.tcp[].match[].gateways, VirtualService.spec.tcp[].match[].sourceNamespace, VirtualService.spec.tcp[].match[].sourceLabels → the callers that have a rule
// VirtualService.spec.tls[].match[].port, VirtualService.spec.tls[].match[].gateways, VirtualService.spec.tls[].match[].sourceNamespace, VirtualService.spec.tls[].match[].sourceLabels → the callers that have a rule
//
// Which VirtualService holds for a host in sidecars, and which of its rules concern one caller and port.
import type { Config } from "../config/object.ts";
import type { HttpMatch } from "../config/virtual-service/http-match.ts";
import type { HttpRoute } from "../config/virtual-service/http-route.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import type { Caller } from "./caller.ts";
import { byAge } from "./source-ref.ts";
import { isVisible, visibilityOf } from "./visibility.ts";

/** The gateway name that means "all sidecars"; it is the default. */
export const meshGateway = "mesh";

/** True where the object concerns sidecars. */
export function isForMesh(virtualService: VirtualService): boolean {
  const gateways = virtualService.gateways ?? [];
  return gateways.length === 0 || gateways.includes(meshGateway);
}

/**
 * @param candidates VirtualServices by host pattern, most specific pattern first
 *
 * The most specific pattern wins, then the oldest object: sidecars do not merge (IST0109).
 */
export function selectVirtualService(
  candidates: readonly (readonly Config<VirtualService>[])[],
  caller: Caller,
  fallback: readonly string[],
): Config<VirtualService> | undefined {
  for (const pattern of candidates) {
    const visible = pattern.filter(
      (config) =>
        isForMesh(config.spec) &&
        (caller.is(config.key.namespace) ||
          isVisible(visibilityOf(config.spec.exportTo, config.key.namespace, fallback), caller)),
    );
    const oldest = visible.sort(byAge)[0];
    if (oldest !== undefined) return oldest;
  }
  return undefined;
}

/** An HTTP rule with the matches that concern the caller and port; without matches it takes everything. */
export interface ScopedRule {
  readonly route: HttpRoute;
  /** Undefined where the rule has no `match`. */
  readonly matches: readonly HttpMatch[] | undefined;
}

/** Rules in order; one whose matches all concern other gateways, ports or sources is left out. */
export function scopedRules(routes: readonly HttpRoute[], caller: Caller, port: number): ScopedRule[] {
  const rules: ScopedRule[] = [];
  for (const route of routes) {
    if (route.match === undefined || route.match.length === 0) {
      rules.push({ route, matches: undefined });
      continue;
    }
    const matches = route.match.filter((match) => concernsCaller(match, caller, port));
    if (matches.length > 0) rules.push({ route, matches });
  }
  return rules;
}

/** The conditions of a match that are known before any call: who calls, and at which port. */
export interface CallerMatch {
  gateways?: string[];
  port?: number;
  sourceNamespace?: string;
  sourceLabels?: Record<string, string>;
}

/** False where the match is for other gateways alone. */
export function isForSidecars({ gateways = [] }: CallerMatch): boolean {
  return gateways.length === 0 || gateways.includes(meshGateway);
}

/** False where the match is for other gateways, ports or callers. */
export function concernsCaller(match: CallerMatch, caller: Caller, port: number): boolean {
  if (!isForSidecars(match)) return false;
  if (match.port !== undefined && match.port !== 0 && match.port !== port) return false;
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== "" && !caller.is(match.sourceNamespace))
    return false;
  return Object.entries(match.sourceLabels ?? {}).every(([key, value]) => caller.has(key, value));
}
