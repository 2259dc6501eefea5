// Make before break: what a type waits for on a stream (xDS protocol, "Eventual consistency considerations").
//
// Clusters come first, then load assignments, listeners and routes; what is gone is told last and in the opposite order.
// Load assignments and routes never wait for an acknowledgement of clusters or listeners: Envoy gives none before it has
// them.
import { pushOrder, typeUrls } from "../../xds/type-url.ts";

/** What one type has not sent yet. */
export interface Pending {
  readonly present: boolean;
  readonly removed: boolean;
}

const { cluster, endpoint, listener, route, virtualHost } = typeUrls;
const linked: readonly string[] = [cluster, endpoint, listener, route, virtualHost];

const presentWaitsFor: Readonly<Record<string, readonly string[]>> = {
  [listener]: [cluster, endpoint],
  [route]: [cluster, endpoint],
  [virtualHost]: [cluster, endpoint, route],
};

/** Beside everything present of the linked types. */
const removedWaitsFor: Readonly<Record<string, readonly string[]>> = {
  [listener]: [],
  [route]: [listener],
  [cluster]: [listener, route],
  [endpoint]: [cluster],
};

/** True for types whose removals go out apart from the rest; a virtual host's domain may move within one message only. */
export function removesLast(typeUrl: string): boolean {
  return removedWaitsFor[typeUrl] !== undefined;
}

/** @param pendingOf what a type of the stream has not sent; undefined for types it did not ask for */
export function presentMayGo(typeUrl: string, pendingOf: (typeUrl: string) => Pending | undefined): boolean {
  return (presentWaitsFor[typeUrl] ?? []).every((other) => pendingOf(other)?.present !== true);
}

export function removedMayGo(typeUrl: string, pendingOf: (typeUrl: string) => Pending | undefined): boolean {
  return (
    linked.every((other) => pendingOf(other)?.present !== true) &&
    (removedWaitsFor[typeUrl] ?? []).every((other) => pendingOf(other)?.removed !== true)
  );
}

/** Where the type stands in the order of pushing; types not listed come last. */
export function pushRank(typeUrl: string): number {
  const rank = pushOrder.indexOf(typeUrl);
  return rank < 0 ? pushOrder.length : rank;
}
