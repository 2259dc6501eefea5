// What the agent says of itself, for the status page and for the query `status`.

import type { LinkState } from "./control-plane/ads-link.ts";
import type { ControlPlaneAddress } from "./control-plane/control-plane-address.ts";
import { formatControlPlaneAddress } from "./control-plane/control-plane-address.ts";
import type { EnvoyState } from "./envoy/envoy-process.ts";
import type { ResolvedEnvoy } from "./envoy/resolve-envoy.ts";
import type { IdentityState } from "./identity/identity-manager.ts";

export interface AgentStatus {
  ready: boolean;
  /** Why not, in words for an operator. */
  obstacles: readonly string[];
  name: string;
  identity: { state: string; spiffeId?: string; notAfter?: string };
  controlPlane: { address: string; state: string; reason?: string };
  envoy: { state: string; version: string; path: string };
  /** Entries of the name table; absent until there is one. */
  services?: number;
}

export interface AgentStatusInput {
  name: string;
  obstacles: readonly string[];
  identity: IdentityState;
  address: ControlPlaneAddress;
  link: LinkState;
  envoy: EnvoyState;
  resolved: ResolvedEnvoy;
  services?: number;
}

export function describeAgent(input: AgentStatusInput): AgentStatus {
  const { identity, link, envoy, resolved } = input;
  const { major, minor, patch } = resolved.version;
  return {
    ready: input.obstacles.length === 0,
    obstacles: input.obstacles,
    name: input.name,
    identity: {
      state: identity.kind,
      ...("identity" in identity
        ? { spiffeId: identity.identity.spiffeId, notAfter: new Date(identity.identity.notAfterMs).toISOString() }
        : {}),
    },
    controlPlane: {
      address: formatControlPlaneAddress(input.address),
      state: link.kind,
      ...(link.kind === "waiting" ? { reason: link.reason } : {}),
    },
    envoy: { state: envoy.kind, version: `${major}.${minor}.${patch}`, path: resolved.path },
    ...(input.services === undefined ? {} : { services: input.services }),
  };
}
