// Chooses what one stream sends next.
import type { Batch, Part } from "../../xds/subscription-request.ts";
import { giveBack, stateOf } from "./frozen-batch.ts";
import type { AdsLimits } from "./limits.ts";
import { type ProgressOf, presentVerdict, removedVerdict, removesLast, type Verdict } from "./push-rules.ts";
import type { TypeStream } from "./type-stream.ts";

export interface NextBatch {
  readonly type: TypeStream;
  readonly batch: Batch;
  readonly nonce: string;
}

/**
 * The first message that may go out, in push order; it counts as in flight. What has waited for other types longer than
 * `holdMs` waits no more.
 *
 * @param types in push order
 * @param options.nowMs monotonic
 */
export function takeNextBatch(
  types: readonly TypeStream[],
  options: { nonce: string; nowMs: number; limits: Pick<AdsLimits, "responseBytes" | "holdMs"> },
): NextBatch | undefined {
  const progressOf: ProgressOf = (typeUrl) => {
    const type = types.find((known) => known.typeUrl === typeUrl);
    if (type === undefined) return undefined;
    const { inFlight, refusing } = type.subscription;
    const { present, removed } = type.subscription.pending();
    const awaiting = type.awaited.length > 0;
    return { present: present || type.frozen !== undefined, removed, inFlight, refusing, awaiting };
  };
  for (const type of types) {
    const { subscription, typeUrl, frozen } = type;
    if (frozen === undefined && subscription.settled) {
      type.heldSinceMs = undefined;
      continue;
    }
    const patient = type.heldSinceMs === undefined || options.nowMs - type.heldSinceMs < options.limits.holdMs;
    if (frozen !== undefined) {
      const state = stateOf(frozen, types);
      if (state === "ready") {
        type.frozen = undefined;
        type.heldSinceMs = undefined;
        return { type, batch: frozen.batch, nonce: frozen.nonce };
      }
      if (state === "waits" && patient) {
        type.heldSinceMs ??= options.nowMs;
        continue;
      }
      giveBack(type); // the newest instead, which waits no more where it has waited for too long
    }
    if (subscription.inFlight) continue;
    const mayGo = (verdict: Verdict): boolean => verdict === "go" || (verdict === "wait" && !patient);
    const take = (part: Part): Batch | undefined =>
      subscription.take({ nonce: options.nonce, limitBytes: options.limits.responseBytes, part });
    let batch: Batch | undefined;
    if (mayGo(presentVerdict(typeUrl, progressOf))) batch = take(removesLast(typeUrl) ? "present" : "all");
    if (batch === undefined && removesLast(typeUrl) && subscription.pending().removed) {
      if (mayGo(removedVerdict(typeUrl, progressOf))) batch = take("removed");
    }
    if (batch !== undefined || subscription.settled) type.heldSinceMs = undefined;
    else type.heldSinceMs ??= options.nowMs;
    if (batch !== undefined) return { type, batch, nonce: options.nonce };
  }
  return undefined;
}
