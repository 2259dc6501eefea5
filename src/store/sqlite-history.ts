// The last changes, kept so that a watch can go on from a revision it has seen.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { afterPrefix } from "./limits.ts";
import { rowSum } from "./sqlite-schema.ts";
import type { StoredChange } from "./store.ts";

/** Changes kept by default, and their values together in bytes. */
export const historyCountLimit = 10_000;
export const historyByteLimit = 64 << 20;
/** The history grows by a tenth over its bound before it is cut, so that not every write cuts. */
const slack = 1.1;
/** A slice for a watch that catches up ends with the transaction that reaches one of these. */
const sliceCount = 1000;
const sliceBytes = 1 << 20;

export interface HistorySlice {
  changes: StoredChange[];
  /** True where nothing later is left. */
  complete: boolean;
}

export class SqliteHistory {
  /** Changes up to this revision are no longer known. */
  compactedThrough: number;
  private count: number;
  private bytes: number;
  private readonly countLimit: number;
  private readonly insert: StatementSync;
  private readonly select: StatementSync;
  private readonly oldest: StatementSync;
  private readonly cut: StatementSync;
  private readonly mark: StatementSync;

  constructor(database: DatabaseSync, countLimit: number) {
    this.countLimit = countLimit;
    this.insert = database.prepare("INSERT INTO history VALUES (?, ?, ?, ?, ?)");
    this.select = database.prepare(
      "SELECT revision, key, value FROM history WHERE revision > ? AND key >= ? AND key < ? ORDER BY revision, ordinal",
    );
    this.oldest = database.prepare(
      "SELECT revision, count(*) AS count, coalesce(sum(length(value)), 0) AS bytes FROM history GROUP BY revision ORDER BY revision LIMIT 1000",
    );
    this.cut = database.prepare("DELETE FROM history WHERE revision <= ?");
    this.mark = database.prepare("UPDATE meta SET value = ? WHERE name = 'compacted_through'");
    const meta = database.prepare("SELECT value FROM meta WHERE name = 'compacted_through'").get();
    this.compactedThrough = (meta as { value: number }).value;
    const sums = database
      .prepare("SELECT count(*) AS count, coalesce(sum(length(value)), 0) AS bytes FROM history")
      .get() as { count: number; bytes: number };
    this.count = sums.count;
    this.bytes = sums.bytes;
  }

  /** To be called inside a transaction, as everything here that writes. */
  add(change: StoredChange, ordinal: number): void {
    const { key, revision } = change;
    const value = change.value ?? null;
    this.insert.run(revision, ordinal, key, value, rowSum(key, value, revision));
    this.count += 1;
    this.bytes += value?.length ?? 0;
  }

  /** Cuts the oldest changes where there are more than the bounds allow. */
  compact(): void {
    if (this.count <= this.countLimit * slack && this.bytes <= historyByteLimit * slack) return;
    this.shrink(this.countLimit, historyByteLimit);
  }

  /** Gives half of the history up, to make room. */
  halve(): void {
    this.shrink(this.count / 2, this.bytes / 2);
  }

  /** Forgets everything up to a revision. */
  reset(revision: number): void {
    this.cut.run(revision);
    this.mark.run(revision);
    this.compactedThrough = revision;
    this.count = 0;
    this.bytes = 0;
  }

  /** Changes of keys with the prefix after `revision`, whole transactions, up to a bound. */
  slice(prefix: string, revision: number): HistorySlice {
    const changes: StoredChange[] = [];
    let bytes = 0;
    for (const row of this.select.iterate(revision, prefix, afterPrefix(prefix))) {
      const found = row as { revision: number; key: string; value: Uint8Array | null };
      const full = changes.length >= sliceCount || bytes >= sliceBytes;
      if (full && changes.at(-1)?.revision !== found.revision) return { changes, complete: false };
      changes.push({ key: found.key, value: found.value ?? undefined, revision: found.revision });
      bytes += found.value?.length ?? 0;
    }
    return { changes, complete: true };
  }

  private shrink(count: number, bytes: number): void {
    while (this.count > count || this.bytes > bytes) {
      let through: number | undefined;
      for (const row of this.oldest.all() as { revision: number; count: number; bytes: number }[]) {
        if (this.count <= count && this.bytes <= bytes) break;
        through = row.revision;
        this.count -= row.count;
        this.bytes -= row.bytes;
      }
      if (through === undefined) return;
      this.cut.run(through);
      this.mark.run(through);
      this.compactedThrough = through;
    }
  }
}
