// Keeps listeners and routes in step with clusters that change without end.
//
// They wait for clusters and load assignments that are not sent yet. Where these change more often than a client answers, there
// is always one of them, and what refers to clusters would wait for ever. So it is taken together with the clusters of the same
// moment, and goes once their load assignments were sent, whatever has changed meanwhile.
import { Subscription } from "../../xds/subscription.ts";
import type { Batch } from "../../xds/subscription-request.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { removesLast } from "./push-rules.ts";
import type { FrozenBatch, TypeStream } from "./type-stream.ts";

const { cluster, endpoint, listener, route, routePart } = typeUrls;
const referring: ReadonlySet<string> = new Set([listener, route, routePart]);
/** More load assignments are a first synchronisation, which comes to an end by itself. */
const needsLimit = 256;

/**
 * To be called when clusters or load assignments were sent: takes what waits for the rest of them. Of delta streams only: a
 * response in state of the world is complete at the moment it is sent.
 */
export function freezeReferring(
  types: readonly TypeStream[],
  options: { nextNonce: () => string; limitBytes: number },
): void {
  const waiting = types.filter(mayFreeze);
  if (waiting.length === 0) return;
  const clusters = types.find(({ typeUrl }) => typeUrl === cluster);
  if (clusters?.subscription.pending().present === true) return;
  const needs = unsent(clusters, types);
  if (needs === undefined || needs.size === 0) return;
  for (const type of waiting) {
    const part = removesLast(type.typeUrl) ? "present" : "all";
    const nonce = options.nextNonce();
    const batch = type.subscription.take({ nonce, limitBytes: options.limitBytes, part });
    if (batch !== undefined) type.frozen = { batch, nonce, needs: new Set(needs) };
  }
}

/**
 * Load assignments were sent: they are waited for no longer, even where they change again. Word that one does not exist is
 * none: what needs it is taken back.
 */
export function noteSent(batch: Batch, types: readonly TypeStream[]): void {
  for (const { frozen } of types) {
    if (frozen === undefined) continue;
    for (const { name } of batch.resources) frozen.needs.delete(name);
  }
}

/**
 * `gone`: something that it needs and that was not sent is no more. Its routes would lead to a cluster without endpoints, and
 * there are newer ones that do not.
 */
export function stateOf({ needs }: FrozenBatch, types: readonly TypeStream[]): "waits" | "ready" | "gone" {
  if (needs.size === 0) return "ready";
  const clusters = types.find(({ typeUrl }) => typeUrl === cluster);
  const endpoints = types.find(({ typeUrl }) => typeUrl === endpoint);
  for (const name of needs) {
    const awaited = clusters?.awaited.some((need) => need.typeUrl === endpoint && need.name === name) ?? false;
    if (!awaited && (endpoints === undefined || !waitsToBeSent(endpoints, name))) return "gone";
  }
  return "waits";
}

/** Puts it back among what is pending. */
export function giveBack(type: TypeStream): void {
  type.frozen = undefined;
  if (type.subscription instanceof Subscription) type.subscription.giveBack();
}

function mayFreeze({ typeUrl, subscription, frozen }: TypeStream): boolean {
  return (
    referring.has(typeUrl) &&
    frozen === undefined &&
    subscription instanceof Subscription &&
    !subscription.inFlight &&
    !subscription.refusing &&
    subscription.pending().present
  );
}

/** Load assignments that wait to be sent or to be asked for; undefined where there are too many. */
function unsent(clusters: TypeStream | undefined, types: readonly TypeStream[]): ReadonlySet<string> | undefined {
  const endpoints = types.find(({ typeUrl }) => typeUrl === endpoint);
  if (endpoints !== undefined && endpoints.subscription.behindCount > needsLimit) return undefined;
  const names = new Set<string>();
  for (const need of clusters?.awaited ?? []) if (need.typeUrl === endpoint) names.add(need.name);
  if (endpoints !== undefined) {
    for (const [name] of endpoints.subscription.behindNames()) if (waitsToBeSent(endpoints, name)) names.add(name);
  }
  return names.size > needsLimit ? undefined : names;
}

function waitsToBeSent({ subscription, set }: TypeStream, name: string): boolean {
  const resource = set.get(name);
  if (resource === undefined || resource.withheld === true) return false;
  return subscription instanceof Subscription && subscription.isBehind(name);
}
