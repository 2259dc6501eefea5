// Transactional keys with watch: what the control plane needs of a durable store, whatever its engine.
import type { Cancel } from "../kernel/clock.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";

export interface StoredEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the transaction that wrote it last. */
  readonly revision: number;
}

export interface Page {
  /** In order of key. */
  readonly entries: readonly StoredEntry[];
  /** Revision of the store when the page was read: watch from here to miss nothing. */
  readonly revision: number;
  /** Key to go on `from`; absent on the last page. */
  readonly next?: string;
}

/** Values given as text are kept as UTF-8. */
export interface Transaction<V = Uint8Array | string> {
  /** All must hold, or nothing is written. `revision` is that of the key's last write, 0 for a key that must not exist. */
  readonly conditions?: readonly { readonly key: string; readonly revision: number }[];
  readonly puts?: readonly { readonly key: string; readonly value: V }[];
  /** Keys that do not exist are passed over. */
  readonly deletes?: readonly string[];
}

export type TransactionResult =
  /** `revision` is one for the whole transaction; one that changed nothing has the revision of the store. */
  | { readonly ok: true; readonly revision: number }
  /** The first condition that did not hold, and the revision the key has (0: it does not exist). */
  | { readonly ok: false; readonly key: string; readonly revision: number };

export interface StoredChange {
  readonly key: string;
  /** Undefined where the key was deleted. */
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

export type WatchEvent =
  /** Changes in order of revision; those of one transaction always come together. */
  | { readonly type: "changes"; readonly changes: readonly StoredChange[] }
  /** The history up to `revision` is no longer kept: list again and watch from there. The watch is over. */
  | { readonly type: "compacted"; readonly revision: number };

/**
 * All reads see every transaction that was answered before. Revisions are safe integers that only grow, also across
 * restarts; an answered transaction survives the loss of the process and of power.
 *
 * Every call may reject with LAT5001 (limits), LAT5003 (disk), LAT5008 (stopped) or LAT5009 (overload).
 */
export interface Store extends Stoppable {
  get(key: string): Promise<StoredEntry | undefined>;

  /** One page of the keys that start with `prefix`; `limit` is 1 to 1,000, by default 1,000. */
  list(prefix: string, options?: { limit?: number; from?: string }): Promise<Page>;

  /**
   * Writes all or nothing, atomically against every other transaction.
   *
   * @throws LateenError LAT5002 where the disk or the quota is full
   */
  txn(transaction: Transaction): Promise<TransactionResult>;

  /**
   * Every change of a key that starts with `prefix` and has a revision above `fromRevision`: in order, without gap or
   * repetition. The listener must not throw. Changes of a transaction reach it before the promise of that transaction
   * resolves, unless the watch is still catching up with history.
   *
   * @throws LateenError LAT5001 at once where the arguments are outside the limits
   */
  watch(prefix: string, fromRevision: number, listener: (event: WatchEvent) => void): Cancel;

  /** Revision of the last transaction or reservation. */
  revision(): Promise<number>;

  /**
   * Revisions of the same sequence for things that are not stored, `first` to `last`. When the promise resolves, every
   * change with a lower revision has been given to the watches that have caught up.
   *
   * @param count 1 to 1,000,000
   */
  reserveRevisions(count: number): Promise<{ readonly first: number; readonly last: number }>;
}
