// A token bucket: how many requests a stream may send before it is left unread for a while (X6, X7).
import type { Clock } from "../../kernel/clock.ts";
import type { AdsLimits } from "./limits.ts";

export class RequestBudget {
  private readonly limits: Pick<AdsLimits, "requestBurst" | "requestsPerSecond">;
  private readonly clock: Clock;
  private tokens: number;
  private filledAtMs: number;

  constructor(limits: Pick<AdsLimits, "requestBurst" | "requestsPerSecond">, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
    this.tokens = limits.requestBurst;
    this.filledAtMs = clock.monotonic();
  }

  /** Takes one request; returns the milliseconds to leave the stream unread, 0 for none. */
  spend(): number {
    const now = this.clock.monotonic();
    const { requestBurst, requestsPerSecond } = this.limits;
    this.tokens = Math.min(requestBurst, this.tokens + ((now - this.filledAtMs) / 1000) * requestsPerSecond) - 1;
    this.filledAtMs = now;
    return this.tokens >= 0 ? 0 : Math.ceil((-this.tokens / requestsPerSecond) * 1000);
  }
}
