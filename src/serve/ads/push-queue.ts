// Streams that have something to send, oldest first, worked off in short slices, and a few at a time: a message of half a
// megabyte for a thousand streams at once would hold up the event loop for a third of a second, again and again.
import type { Cancel, Clock } from "../../kernel/clock.ts";

export interface Pushable {
  /** Sends the next message, if there is one that may go. Must not throw. */
  push(): void;
  /** True while a message is on its way. */
  readonly writing: boolean;
  /** Milliseconds since the client took the last piece of it. */
  readonly stalledMs: number;
}

/** The loop is given back after this long, milliseconds. */
const sliceMs = 10;
/** Messages on their way at one time. */
export const writingLimit = 48;
/** A client that takes nothing for so long no longer counts among them, milliseconds; it keeps its message. */
const stalledMs = 50;
/** Nor does one that takes so long in all, milliseconds, however steadily: a few slow ones would keep everybody else waiting. */
const slowMs = 250;

export class PushQueue {
  private readonly clock: Clock;
  private readonly onWaited: (waitedMs: number) => void;
  private readonly onSlice: (tookMs: number) => void;
  /** Each stream once, with the time it was put in. */
  private readonly waiting = new Map<Pushable, number>();
  /** With the time since when. */
  private readonly writing = new Map<Pushable, number>();
  private scheduled = false;
  private cancelLook: Cancel | undefined;

  /** @param onSlice told how long each turn of work took */
  constructor(clock: Clock, onWaited: (waitedMs: number) => void, onSlice: (tookMs: number) => void = () => {}) {
    this.clock = clock;
    this.onWaited = onWaited;
    this.onSlice = onSlice;
  }

  /** The stream may have something to send. */
  add(stream: Pushable): void {
    if (this.waiting.has(stream)) return;
    this.waiting.set(stream, this.clock.monotonic());
    this.schedule();
  }

  /** The stream's message has been taken. */
  written(stream: Pushable): void {
    this.writing.delete(stream);
    this.add(stream);
    this.schedule();
  }

  /** The stream is gone. */
  delete(stream: Pushable): void {
    this.waiting.delete(stream);
    if (this.writing.delete(stream) && this.waiting.size > 0) this.schedule();
  }

  get counts(): { waiting: number; writing: number } {
    return { waiting: this.waiting.size, writing: this.writing.size };
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.work());
  }

  private work(): void {
    const start = this.clock.monotonic();
    this.pushSome(start);
    this.onSlice(this.clock.monotonic() - start);
  }

  private pushSome(start: number): void {
    this.scheduled = false;
    for (const [stream, since] of this.waiting) {
      if (this.writing.size >= writingLimit) {
        this.cancelLook ??= this.clock.after(stalledMs, () => this.look());
        return; // `written`, `delete` or the look goes on
      }
      this.waiting.delete(stream);
      this.onWaited(start - since);
      stream.push();
      if (stream.writing) this.writing.set(stream, start);
      if (this.clock.monotonic() - start >= sliceMs) break;
    }
    if (this.waiting.size > 0) this.schedule();
  }

  /** Makes room where clients are slow to take what they are sent. */
  private look(): void {
    this.cancelLook = undefined;
    const now = this.clock.monotonic();
    for (const [stream, since] of this.writing) {
      const isSlow = stream.stalledMs >= stalledMs || now - since >= slowMs;
      if (!stream.writing || isSlow) this.writing.delete(stream);
    }
    if (this.waiting.size > 0) this.schedule();
  }
}
