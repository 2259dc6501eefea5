// Long work in short slices, so that the event loop turns in between.
import type { Clock } from "./clock.ts";

/** The loop is given back after this long, milliseconds. */
const sliceMs = 8;

export class Slices {
  private readonly clock: Pick<Clock, "monotonic">;
  /** Oldest first. */
  private readonly works: (() => boolean)[] = [];
  private scheduled = false;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.clock = clock;
  }

  /** Works that are not done yet. */
  get size(): number {
    return this.works.length;
  }

  /** @param step does a few milliseconds of the work; true while there is more. It must not throw. */
  add(step: () => boolean): void {
    this.works.push(step);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.work();
    });
  }

  private work(): void {
    const endMs = this.clock.monotonic() + sliceMs;
    for (let [step] = this.works; step !== undefined && this.clock.monotonic() < endMs; [step] = this.works) {
      if (!step()) this.works.shift();
    }
    if (this.works.length > 0) this.schedule();
  }
}
