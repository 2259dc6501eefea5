// Full-jitter exponential backoff, so that a fleet does not come back in step.
import type { Random } from "./random.ts";

export interface BackoffOptions {
  /** Upper bound of the first delay, milliseconds. */
  firstMs: number;
  /** Upper bound of every delay, milliseconds. */
  maxMs: number;
}

export class Backoff {
  private readonly options: BackoffOptions;
  private readonly random: Random;
  private attempt = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.options = options;
    this.random = random;
  }

  /** The next delay in milliseconds: uniform between 0 and a bound that doubles with each call. */
  next(): number {
    const bound = Math.min(this.options.maxMs, this.options.firstMs * 2 ** Math.min(this.attempt, 30));
    this.attempt += 1;
    return this.random.fraction() * bound;
  }

  /** Starts over; call it once the attempt has proven good. */
  reset(): void {
    this.attempt = 0;
  }
}
