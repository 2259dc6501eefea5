// Questions asked of the machine while new rules are in place but not yet confirmed.
import type { Clock } from "../kernel/clock.ts";
import { describeError } from "../kernel/error.ts";

/** One thing the machine must still be able to do, such as resolving a name or reaching the control plane. */
export interface CaptureProbe {
  readonly name: string;
  /** Rejects where it does not work; gives up when the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export type ProbeResult = { name: string; ok: true } | { name: string; ok: false; reason: string };

/** Runs all probes at once; each has `deadlineMs`. Never rejects. */
export async function runProbes(
  probes: readonly CaptureProbe[],
  options: { clock: Clock; deadlineMs: number },
): Promise<ProbeResult[]> {
  const abort = new AbortController();
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const cancel = options.clock.after(options.deadlineMs, () => {
    abort.abort();
    late.reject(`no result within ${options.deadlineMs} ms`);
  });
  try {
    return await Promise.all(
      probes.map(async ({ name, run }): Promise<ProbeResult> => {
        try {
          // A probe that ignores its signal must not hold up the verdict.
          await Promise.race([run(abort.signal), late.promise]);
          return { name, ok: true };
        } catch (error) {
          return { name, ok: false, reason: describeError(error) };
        }
      }),
    );
  } finally {
    cancel();
  }
}
