// The last changes of one kind, and readers that go along it at their own speed.
import { eventLogLimit } from "./limits.ts";

export interface LoggedEvent<T> {
  readonly revision: number;
  /** Undefined where the object is new. */
  readonly before: T | undefined;
  /** Undefined where the object is gone. */
  readonly after: T | undefined;
}

export class EventLog<T> {
  private readonly limit: number;
  /** A ring: the event with number `n` is at `n % limit`. */
  private readonly events: LoggedEvent<T>[] = [];
  /** Events up to this revision are no longer known. */
  private oldest: number;
  private count = 0;
  private readonly waiting = new Set<() => void>();

  /** @param start revision from which on everything is logged */
  constructor(start: number, limit = eventLogLimit) {
    this.oldest = start;
    this.limit = limit;
  }

  add(event: LoggedEvent<T>): void {
    const place = this.count % this.limit;
    this.oldest = this.events[place]?.revision ?? this.oldest;
    this.events[place] = event;
    this.count += 1;
  }

  /** Tells the readers of what was added. */
  announce(): void {
    for (const wake of [...this.waiting]) wake();
  }

  /**
   * Reads what comes after a revision.
   *
   * @returns undefined where that is no longer known
   */
  follow(fromRevision: number): EventReader<T> | undefined {
    if (fromRevision < this.oldest) return undefined;
    let at = this.count;
    while (at > 0 && this.count - at < this.limit) {
      const earlier = this.events[(at - 1) % this.limit];
      if (earlier === undefined || earlier.revision <= fromRevision) break;
      at -= 1;
    }
    return {
      next: () => {
        if (at < this.count - this.limit) return "expired";
        if (at >= this.count) return undefined;
        const event = this.events[at % this.limit];
        at += 1;
        return event;
      },
      onNews: (wake) => {
        this.waiting.add(wake);
        return () => this.waiting.delete(wake);
      },
    };
  }
}

export interface EventReader<T> {
  /** The next event; undefined where there is none yet, `expired` where the reader was overtaken. */
  next(): LoggedEvent<T> | "expired" | undefined;
  /** Calls `wake` when there may be more; returns how to stop that. */
  onNews(wake: () => void): () => void;
}
