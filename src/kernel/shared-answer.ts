// One answer for all who ask at about the same time, where making it costs much more than handing it on.
import type { Clock } from "./clock.ts";

export class SharedAnswer<T> {
  private readonly make: () => Promise<T>;
  private readonly freshMs: number;
  private readonly clock: Clock;
  private latest: { readonly answer: Promise<T>; staleAtMs: number } | undefined;

  /** @param options.freshMs how long an answer is given again after it was made, also where it is a failure, milliseconds */
  constructor(options: { make: () => Promise<T>; freshMs: number; clock: Clock }) {
    this.make = options.make;
    this.freshMs = options.freshMs;
    this.clock = options.clock;
  }

  /** The answer in the making, else the last one while it is fresh, else a new one. */
  get(): Promise<T> {
    if (this.latest !== undefined && this.clock.monotonic() < this.latest.staleAtMs) return this.latest.answer;
    const latest = { answer: this.make(), staleAtMs: Number.POSITIVE_INFINITY };
    const made = (): void => {
      latest.staleAtMs = this.clock.monotonic() + this.freshMs;
    };
    latest.answer.then(made, made);
    this.latest = latest;
    return latest.answer;
  }
}
