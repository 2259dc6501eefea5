// When the event loop stood still, for how long, and as far as parts say so, over what.
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";

/** A timer that comes so often costs a few microseconds each time, and sees whatever holds the loop longer. */
const lookEveryMs = 20;
/** Shorter delays are not noted, milliseconds. */
const stallMs = 20;
/** Pieces of work that are kept to explain stalls: the last, and at least so long, milliseconds. */
const workLimit = 256;
const shortestWorkMs = 5;
/** Stalls that are kept: the last, and the longest. */
const lastLimit = 100;
const longestLimit = 20;

/** Something that was done in one go. */
export interface Work {
  readonly what: string;
  /** Monotonic, milliseconds. */
  readonly startMs: number;
  readonly tookMs: number;
}

export interface Stall {
  /** End of it; wall clock, milliseconds. */
  readonly atMs: number;
  /** End of it; monotonic. */
  readonly endMs: number;
  readonly tookMs: number;
}

/** Tells of each garbage collection; returns the end of it. Times are those of the monotonic clock. */
export type WatchGc = (take: (work: Work) => void) => () => void;

export class StallWatch implements Stoppable {
  private readonly clock: Clock;
  private readonly onStall: (tookMs: number) => void;
  private readonly cancel: Cancel;
  private readonly endGc: () => void;
  private readonly work: Work[] = [];
  private readonly last: Stall[] = [];
  private readonly longest: Stall[] = [];
  private dueMs: number;
  private total = 0;

  constructor(options: { clock: Clock; onStall?: (tookMs: number) => void; watchGc?: WatchGc }) {
    this.clock = options.clock;
    this.onStall = options.onStall ?? (() => {});
    this.dueMs = this.clock.monotonic() + lookEveryMs;
    this.cancel = this.clock.every(lookEveryMs, () => this.look());
    this.endGc = options.watchGc?.((work) => this.keep(work)) ?? (() => {});
  }

  /** A piece of work that was done without giving the loop back has just ended. */
  note(what: string, tookMs: number): void {
    if (tookMs < shortestWorkMs) return;
    this.keep({ what, tookMs, startMs: this.clock.monotonic() - tookMs });
  }

  /** Stalls since the start. */
  get count(): number {
    return this.total;
  }

  /** The last, newest first, and the longest, longest first. */
  get stalls(): { last: readonly Stall[]; longest: readonly Stall[] } {
    return { last: this.last.toReversed(), longest: this.longest };
  }

  /** What is known to have been done during a stall, longest first. Garbage collections may be part of other work. */
  workDuring({ endMs, tookMs }: Stall): Work[] {
    const startMs = endMs - tookMs - lookEveryMs;
    return this.work
      .filter((work) => work.startMs < endMs && work.startMs + work.tookMs > startMs)
      .sort((a, b) => b.tookMs - a.tookMs);
  }

  async stop(): Promise<void> {
    this.cancel();
    this.endGc();
  }

  private keep(work: Work): void {
    if (work.tookMs < shortestWorkMs) return;
    this.work.push(work);
    if (this.work.length > workLimit) this.work.shift();
  }

  private look(): void {
    const endMs = this.clock.monotonic();
    const tookMs = endMs - this.dueMs;
    this.dueMs = endMs + lookEveryMs;
    if (tookMs < stallMs) return;
    this.total += 1;
    this.onStall(tookMs);
    const stall: Stall = { atMs: this.clock.now(), endMs, tookMs };
    this.last.push(stall);
    if (this.last.length > lastLimit) this.last.shift();
    const at = this.longest.findIndex((other) => other.tookMs < tookMs);
    if (at >= 0) this.longest.splice(at, 0, stall);
    else this.longest.push(stall);
    this.longest.length = Math.min(this.longest.length, longestLimit);
  }
}
