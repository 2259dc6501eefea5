// The last changes of one kind, and readers that go along it at their own speed.
import { eventLogBytesLimit, eventLogLimit } from "./limits.ts";

export interface LoggedEvent<T> {
  readonly revision: number;
  /** Undefined where the object is new. */
  readonly before: T | undefined;
  /** Undefined where the object is gone. */
  readonly after: T | undefined;
}

/** What is known of an event when it is logged. */
export interface EventCost {
  /** Monotonic, milliseconds. */
  readonly atMs: number;
  /** About what the event holds in memory. */
  readonly bytes: number;
}

export class EventLog<T> {
  private readonly limit: number;
  private readonly bytesLimit: number;
  /** Oldest first; the first of them has the number `first`. */
  private readonly events: { event: LoggedEvent<T>; cost: EventCost }[] = [];
  private first = 0;
  private bytes = 0;
  /** Events up to this revision are no longer known. */
  private oldest: number;
  private readonly waiting = new Set<() => void>();

  /** @param start revision from which on everything is logged */
  constructor(start: number, limit = eventLogLimit, bytesLimit = eventLogBytesLimit) {
    this.oldest = start;
    this.limit = limit;
    this.bytesLimit = bytesLimit;
  }

  get size(): number {
    return this.events.length;
  }

  add(event: LoggedEvent<T>, cost: EventCost): void {
    this.events.push({ event, cost });
    this.bytes += cost.bytes;
    while (this.events.length > this.limit || (this.bytes > this.bytesLimit && this.events.length > 1)) this.drop();
  }

  /** Forgets what was logged before a time. */
  expire(beforeMs: number): void {
    for (let [oldest] = this.events; oldest !== undefined && oldest.cost.atMs < beforeMs; [oldest] = this.events)
      this.drop();
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
    const after = this.events.findLastIndex(({ event }) => event.revision <= fromRevision) + 1;
    let at = this.first + after;
    return {
      next: () => {
        if (at < this.first) return "expired";
        const logged = this.events[at - this.first];
        if (logged !== undefined) at += 1;
        return logged?.event;
      },
      onNews: (wake) => {
        this.waiting.add(wake);
        return () => this.waiting.delete(wake);
      },
    };
  }

  private drop(): void {
    const dropped = this.events.shift();
    if (dropped === undefined) return;
    this.first += 1;
    this.bytes -= dropped.cost.bytes;
    this.oldest = dropped.event.revision;
  }
}

export interface EventReader<T> {
  /** The next event; undefined where there is none yet, `expired` where the reader was overtaken. */
  next(): LoggedEvent<T> | "expired" | undefined;
  /** Calls `wake` when there may be more; returns how to stop that. */
  onNews(wake: () => void): () => void;
}
