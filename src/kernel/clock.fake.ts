// A clock that stands still until a test moves it.
import type { Cancel, Clock } from "./clock.ts";

interface Timer {
  due: number;
  fn: () => void;
  everyMs: number | undefined;
}

export class FakeClock implements Clock {
  private readonly timers = new Set<Timer>();
  private elapsedMs = 0;
  private readonly startMs: number;

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.startMs = startMs;
  }

  now(): number {
    return this.startMs + this.elapsedMs;
  }

  monotonic(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, fn: () => void): Cancel {
    return this.add({ due: this.elapsedMs + Math.max(0, delayMs), fn, everyMs: undefined });
  }

  every(intervalMs: number, fn: () => void): Cancel {
    return this.add({ due: this.elapsedMs + intervalMs, fn, everyMs: intervalMs });
  }

  /** Moves time and runs what falls due, in order; awaits between timers so that promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsedMs + ms;
    for (;;) {
      const next = [...this.timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.elapsedMs = next.due;
      if (next.everyMs === undefined) this.timers.delete(next);
      else next.due += next.everyMs;
      next.fn();
      await Promise.resolve();
    }
    this.elapsedMs = end;
    await Promise.resolve();
  }

  /** Timers that wait; tests assert that a stopped part leaves none. */
  get pending(): number {
    return this.timers.size;
  }

  private add(timer: Timer): Cancel {
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }
}
