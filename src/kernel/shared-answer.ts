// One answer for all who ask at about the same time, where making it costs much more than handing it on.
import type { Clock } from "./clock.ts";

export class SharedAnswer<T> {
  private readonly make: () => Promise<T>;
  private readonly freshMs: number;
  private readonly clock: Clock;
  private latest: Promise<T> | undefined;

  /** @param options.freshMs how long an answer is given again after it was made, also where it is a failure, milliseconds */
  constructor(options: { make: () => Promise<T>; freshMs: number; clock: Clock }) {
    this.make = options.make;
    this.freshMs = options.freshMs;
    this.clock = options.clock;
  }

  /** The answer in the making, else the last one while it is fresh, else a new one. */
  get(): Promise<T> {
    if (this.latest !== undefined) return this.latest;
    const latest = this.make();
    this.latest = latest;
    // Forgotten by a timer, not at the next question: it can be megabytes, and nobody may ask for long.
    const forget = (): void => {
      this.latest = undefined;
    };
    const made = (): void => void this.clock.after(this.freshMs, forget);
    latest.then(made, made);
    return latest;
  }
}
