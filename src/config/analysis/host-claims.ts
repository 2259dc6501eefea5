// The hosts that VirtualServices route on sidecars.
import type { VirtualService } from "../virtual-service/virtual-service.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { pushTo } from "./grouped.ts";
import { type AnalysisSettings, fullHost } from "./settings.ts";

export interface HostClaim {
  readonly on: AnalyzedObject<VirtualService>;
  readonly path: string;
}

/** Objects that are indexed before it yields. */
const objectsPerStep = 1_000;

export function* indexHostClaims(
  virtualServices: readonly AnalyzedObject<VirtualService>[],
  settings: AnalysisSettings,
): Generator<void, Map<string, HostClaim[]>, void> {
  const claims = new Map<string, HostClaim[]>();
  for (const [at, on] of virtualServices.entries()) {
    if (at % objectsPerStep === objectsPerStep - 1) yield;
    for (const [host, path] of claimsOf(on, settings)) pushTo(claims, host, { on, path });
  }
  return claims;
}

/** Each host that it names, in full, with the path. */
export function claimsOf(
  { object: { spec, metadata } }: AnalyzedObject<VirtualService>,
  settings: AnalysisSettings,
): [host: string, path: string][] {
  const { gateways = [], hosts = [] } = spec ?? {};
  if (gateways.length > 0 && !gateways.includes("mesh")) return [];
  return hosts.map((host, at) => [fullHost(host, metadata.namespace, settings), `spec.hosts[${at}]`]);
}
