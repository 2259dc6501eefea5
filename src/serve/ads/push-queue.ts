// Streams that have something to send, oldest first, worked off in short slices so that the event loop never waits long.
import type { Clock } from "../../kernel/clock.ts";

export interface Pushable {
  /** Sends what may be sent now. Must not throw. */
  push(): void;
}

/** The loop is given back after this long, milliseconds. */
const sliceMs = 10;

export class PushQueue {
  private readonly clock: Clock;
  private readonly onWaited: (waitedMs: number) => void;
  /** Each stream once, with the time it was put in. */
  private readonly waiting = new Map<Pushable, number>();
  private scheduled = false;

  constructor(clock: Clock, onWaited: (waitedMs: number) => void) {
    this.clock = clock;
    this.onWaited = onWaited;
  }

  add(stream: Pushable): void {
    if (this.waiting.has(stream)) return;
    this.waiting.set(stream, this.clock.monotonic());
    this.schedule();
  }

  delete(stream: Pushable): void {
    this.waiting.delete(stream);
  }

  get size(): number {
    return this.waiting.size;
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.work());
  }

  private work(): void {
    this.scheduled = false;
    const start = this.clock.monotonic();
    for (const [stream, since] of this.waiting) {
      this.waiting.delete(stream);
      this.onWaited(start - since);
      stream.push();
      if (this.clock.monotonic() - start >= sliceMs) break;
    }
    if (this.waiting.size > 0) this.schedule();
  }
}
