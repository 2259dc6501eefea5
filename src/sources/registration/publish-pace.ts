// When entries that changed are published: the first at once, those that change meanwhile together.
import type { Cancel, Clock } from "../../kernel/clock.ts";

/**
 * Pause after a publication, as a multiple of how long it took. What follows from an entry (load assignments, pushes) is
 * worked out before it returns, so whoever floods the control plane with entries gets a fifth of its time.
 */
const pauseFactor = 4;
/** Longest that an entry waits, milliseconds. */
const longestPauseMs = 1_000;

export class PublishPace {
  private readonly clock: Clock;
  private readonly publish: (keys: readonly string[]) => void;
  private readonly changed = new Set<string>();
  private readyAtMs = 0;
  private cancel: Cancel | undefined;

  /** @param publish brings entries in line; keys in the order in which they changed */
  constructor(clock: Clock, publish: (keys: readonly string[]) => void) {
    this.clock = clock;
    this.publish = publish;
  }

  /** At most one key for each machine waits. */
  note(...keys: string[]): void {
    for (const key of keys) {
      this.changed.delete(key);
      this.changed.add(key);
    }
    const waitMs = this.readyAtMs - this.clock.monotonic();
    if (waitMs <= 0) this.flush();
    else this.cancel ??= this.clock.after(waitMs, () => this.flush());
  }

  stop(): void {
    this.cancel?.();
    this.changed.clear();
  }

  private flush(): void {
    this.cancel?.();
    this.cancel = undefined;
    const keys = [...this.changed];
    this.changed.clear();
    const start = this.clock.monotonic();
    this.publish(keys);
    const end = this.clock.monotonic();
    this.readyAtMs = end + Math.min(longestPauseMs, (end - start) * pauseFactor);
  }
}
