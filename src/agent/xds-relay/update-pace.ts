// How often Envoy is given something that it works through from the start each time.
//
// Envoy builds the whole route table anew for one changed virtual host, on the thread that does everything but forwarding:
// 16 ms for 1,000 virtual hosts, 170 ms for 10,000. The first change goes at once; while more come, the newest goes after a
// rest that is a multiple of what the last one took.
import type { Clock } from "../../kernel/clock.ts";

/** Rest, as a multiple of the time that Envoy took to answer. */
const restFactor = 10;
/**
 * Longest rest together with the answer that it follows, milliseconds. A change that just missed one turn waits for that and
 * for its own: both together stay below a second.
 */
export const longestTurnMs = 450;

export class UpdatePace {
  private readonly clock: Clock;
  private sentAtMs: number | undefined;
  private readyAtMs = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Milliseconds until the next update may go; 0 for now. */
  get restMs(): number {
    return Math.max(0, this.readyAtMs - this.clock.monotonic());
  }

  sent(): void {
    this.sentAtMs = this.clock.monotonic();
  }

  answered(): void {
    if (this.sentAtMs === undefined) return;
    const now = this.clock.monotonic();
    const tookMs = now - this.sentAtMs;
    this.sentAtMs = undefined;
    this.readyAtMs = now + Math.min(restFactor * tookMs, Math.max(0, longestTurnMs - tookMs));
  }
}
