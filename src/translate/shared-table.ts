// What several users share, made for the first and disposed of some time after the last.
import type { Cancel, Clock } from "../kernel/clock.ts";

export interface Shared<T> {
  readonly value: T;
  /** To be called once by each who took it. */
  release(): void;
}

interface Entry<T> extends Shared<T> {
  readonly key: string;
  users: number;
}

export interface Lingering {
  readonly clock: Clock;
  /** Kept for so long after its last user, milliseconds. */
  readonly ms: number;
  /** Entries without users that are kept at most; the oldest goes first. */
  readonly limit: number;
}

export class SharedTable<T extends { dispose(): void }> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly lingering: Lingering | undefined;
  /** Entries without users, oldest first. */
  private readonly idle = new Map<Entry<T>, Cancel>();

  /** @param lingering without it an entry goes with its last user */
  constructor(lingering?: Lingering) {
    this.lingering = lingering;
  }

  take(key: string, make: () => T): Shared<T> {
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = this.enter(key, make());
      this.entries.set(key, entry);
    }
    entry.users += 1;
    this.idle.get(entry)?.();
    this.idle.delete(entry);
    return entry;
  }

  /** Disposes of what is kept without users. */
  clear(): void {
    for (const entry of this.idle.keys()) this.drop(entry);
  }

  private enter(key: string, value: T): Entry<T> {
    const entry: Entry<T> = {
      key,
      value,
      users: 0,
      release: () => {
        entry.users -= 1;
        if (entry.users === 0) this.rest(entry);
      },
    };
    return entry;
  }

  private rest(entry: Entry<T>): void {
    const { lingering, idle } = this;
    if (lingering === undefined) {
      this.drop(entry);
      return;
    }
    idle.set(
      entry,
      lingering.clock.after(lingering.ms, () => this.drop(entry)),
    );
    const [oldest] = idle.keys();
    if (idle.size > lingering.limit && oldest !== undefined) this.drop(oldest);
  }

  private drop(entry: Entry<T>): void {
    this.idle.get(entry)?.();
    this.idle.delete(entry);
    this.entries.delete(entry.key);
    entry.value.dispose();
  }
}
