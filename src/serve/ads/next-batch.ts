// Chooses what one stream sends next.
import type { Batch, Part } from "../../xds/subscription-request.ts";
import type { AdsLimits } from "./limits.ts";
import { type Pending, presentMayGo, removedMayGo, removesLast } from "./push-rules.ts";
import type { TypeStream } from "./type-stream.ts";

export interface NextBatch {
  readonly type: TypeStream;
  readonly batch: Batch;
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
  const pendingOf = (typeUrl: string): Pending | undefined =>
    types.find((type) => type.typeUrl === typeUrl)?.subscription.pending();
  for (const type of types) {
    const { subscription, typeUrl } = type;
    if (subscription.inFlight) continue;
    const take = (part: Part): Batch | undefined =>
      subscription.take({ nonce: options.nonce, limitBytes: options.limits.responseBytes, part });
    const patient = type.heldSinceMs === undefined || options.nowMs - type.heldSinceMs < options.limits.holdMs;
    const presentFree = !patient || presentMayGo(typeUrl, pendingOf);
    let batch: Batch | undefined;
    if (!removesLast(typeUrl)) batch = presentFree ? take("all") : undefined;
    else {
      batch = presentFree ? take("present") : undefined;
      if (batch === undefined && (!patient || removedMayGo(typeUrl, pendingOf))) batch = take("removed");
    }
    if (batch !== undefined || subscription.settled) type.heldSinceMs = undefined;
    else type.heldSinceMs ??= options.nowMs;
    if (batch !== undefined) return { type, batch };
  }
  return undefined;
}
