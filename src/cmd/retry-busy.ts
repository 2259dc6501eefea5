// A fleet that joins at once is more than the control plane takes at one time: who was not looked at tries again.
import { setTimeout as timer } from "node:timers/promises";
import { Backoff } from "../kernel/backoff.ts";
import { LateenError } from "../kernel/error.ts";
import { type Random, systemRandom } from "../kernel/random.ts";

/** Full jitter: uniform below 1 s first, then below 8 s. */
const backoff = { firstMs: 1_000, maxMs: 8_000 };
/** Attempts before the operator is told: about half a minute. */
const attemptLimit = 12;
/** The control plane did not look at the request, so nothing is spent. */
const busyCode = "LAT3309";

/**
 * Calls again while the control plane is too busy to look at the call.
 *
 * @throws what `call` throws: LAT3309 where the last attempt met it, or `signal` was aborted meanwhile
 */
export async function retryBusy<T>(
  call: () => Promise<T>,
  options: { signal: AbortSignal; random?: Random; pause?: (ms: number, signal: AbortSignal) => Promise<unknown> },
): Promise<T> {
  const { signal, random = systemRandom, pause = (ms) => timer(ms, undefined, { signal }) } = options;
  const delays = new Backoff(backoff, random);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof LateenError) || error.code !== busyCode || attempt === attemptLimit) throw error;
      await pause(delays.next(), signal).catch(() => {});
      if (signal.aborted) throw error;
    }
  }
}
