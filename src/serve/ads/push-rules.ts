// Make before break: what a type waits for on a stream (xDS protocol, "Eventual consistency considerations").
//
// Clusters come first, then load assignments, listeners and routes; what is gone is told last and in the opposite order.
// Load assignments and routes never wait for an acknowledgement of clusters or listeners: Envoy gives none before it has
// them. But they wait until load assignments of new clusters have been asked for and sent: Envoy answers 503 for a cluster
// that is still without one. What routes and listeners may still use goes only once their successors are accepted.
import { pushOrder, typeUrls } from "../../xds/type-url.ts";

/** Where one type of a stream stands. */
export interface TypeProgress {
  /** Something that is there waits to be sent. */
  readonly present: boolean;
  /** Something that is gone waits to be told. */
  readonly removed: boolean;
  /** A message is not acknowledged yet. */
  readonly inFlight: boolean;
  /** The client goes on with an older version of something. */
  readonly refusing: boolean;
  /** What is in flight needs something of another type that the client has not asked for yet. */
  readonly awaiting: boolean;
}

/** `wait`: not yet, but not for ever either. `hold`: not while it is so. */
export type Verdict = "go" | "wait" | "hold";

/** The progress of a type; undefined where the stream did not ask for it. */
export type ProgressOf = (typeUrl: string) => TypeProgress | undefined;

const { cluster, endpoint, listener, route, routePart, virtualHost } = typeUrls;
const linked: readonly string[] = [cluster, endpoint, listener, route, routePart, virtualHost];
/** What refers to clusters and routes. */
const referring: readonly string[] = [listener, route, routePart, virtualHost];

const presentWaitsFor: Readonly<Record<string, readonly string[]>> = {
  [listener]: [cluster, endpoint],
  [route]: [cluster, endpoint],
  [routePart]: [cluster, endpoint],
  [virtualHost]: [cluster, endpoint, route],
};

/** Removals that must go before; beside everything present of the linked types. */
const removedWaitsFor: Readonly<Record<string, readonly string[]>> = {
  [listener]: [],
  [route]: [listener],
  [cluster]: [listener, route, routePart],
  [endpoint]: [cluster],
};

/**
 * True for types whose removals go out apart from the rest; a virtual host's domain may move within one message only, and
 * parts of a route configuration make sense together only.
 */
export function removesLast(typeUrl: string): boolean {
  return removedWaitsFor[typeUrl] !== undefined;
}

export function presentVerdict(typeUrl: string, progressOf: ProgressOf): Verdict {
  const isUnfinished = (other: string): boolean => {
    const progress = progressOf(other);
    return progress !== undefined && (progress.present || progress.awaiting);
  };
  const others = presentWaitsFor[typeUrl] ?? [];
  // Envoy asks for clusters first, but where some that it has from an earlier stream still warm: it may lack newer ones.
  const hasPaused = progressOf(cluster) === undefined && progressOf(endpoint) !== undefined;
  return others.some(isUnfinished) || (hasPaused && others.includes(cluster)) ? "wait" : "go";
}

export function removedVerdict(typeUrl: string, progressOf: ProgressOf): Verdict {
  // A listener's removal must not wait for acceptance: its successor may have been refused for its very address.
  if (typeUrl !== listener) {
    if (referring.some((other) => progressOf(other)?.refusing === true)) return "hold";
    if (referring.some((other) => progressOf(other)?.inFlight === true)) return "wait";
  }
  if (linked.some((other) => progressOf(other)?.present === true)) return "wait";
  return (removedWaitsFor[typeUrl] ?? []).some((other) => progressOf(other)?.removed === true) ? "wait" : "go";
}

/** Where the type stands in the order of pushing; types not listed come last. */
export function pushRank(typeUrl: string): number {
  const rank = pushOrder.indexOf(typeUrl);
  return rank < 0 ? pushOrder.length : rank;
}
