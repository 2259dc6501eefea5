// What keeps a machine from being ready, in words for an operator.
import type { CaptureKeeper } from "./capture-keeper.ts";
import type { LinkState } from "./control-plane/ads-link.ts";
import type { EnvoyState } from "./envoy/envoy-process.ts";
import type { IdentityState } from "./identity/identity-manager.ts";
import type { DnsPart } from "./parts.ts";

export interface ObstacleInput {
  identity: IdentityState;
  envoy: EnvoyState;
  /** Envoy has taken clusters and listeners. */
  configured: boolean;
  link: LinkState;
  dns: DnsPart | undefined;
  capture: CaptureKeeper | undefined;
}

/** @returns nothing where the machine is ready */
export function findObstacles({ identity, envoy, configured, link, dns, capture }: ObstacleInput): string[] {
  const found: string[] = [];
  if (identity.kind === "expired") found.push("the machine's certificate has expired");
  if (envoy.kind !== "live") found.push("Envoy is not live");
  if (!configured) {
    found.push("Envoy has no configuration yet");
    // With a configuration the machine serves without the control plane.
    if (link.kind === "waiting") found.push(`no connection to the control plane: ${link.reason}`);
  }
  if (dns !== undefined && !dns.ready) found.push("names are not answered yet");
  if (capture?.obstacle !== undefined) found.push(capture.obstacle);
  return found;
}
