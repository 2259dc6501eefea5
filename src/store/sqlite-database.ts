// The store's file, synchronously: one owner, one thread.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LateenError } from "../kernel/error.ts";
import { storeErrors } from "./errors.ts";
import { afterPrefix, transactionLimit } from "./limits.ts";
import { sqliteFault, toStoreError } from "./sqlite-fault.ts";
import { type HistorySlice, historyCountLimit, SqliteHistory } from "./sqlite-history.ts";
import { checkIntegrity, migrate, rowSum } from "./sqlite-schema.ts";
import { findWalDamage } from "./sqlite-wal.ts";
import type { Page, StoredChange, StoredEntry, Transaction, TransactionResult } from "./store.ts";

/** Revisions made durable ahead of their use: a restart skips at most this many. */
const reservedAhead = 10_000;
/** Values on one page together, bytes; a page ends with the entry that reaches it. */
const pageBytes = transactionLimit;

export interface SqliteOptions {
  /** Path of the file, or `:memory:`. */
  path: string;
  /** Quota of the file, bytes. */
  maxBytes: number;
  /** Changes kept for watches; default 10,000. */
  historyLimit?: number;
}

/** The outcome of one transaction of a batch. */
export type BatchResult = { result: TransactionResult; changes: StoredChange[] } | { error: LateenError };

export class SqliteDatabase {
  /** What was wrong with the history at opening, if anything; it was reset. */
  historyDamage: string | undefined;
  private readonly options: SqliteOptions;
  private database: DatabaseSync;
  private statements: Statements;
  private history: SqliteHistory;
  private last: number;
  /** Revisions up to here may be given out: none of them will be given out after a restart. */
  private ceiling: number;
  /** True after the disk failed a write: what SQLite holds in memory may differ from the disk. */
  private doubtful = false;

  /** @throws LateenError LAT5004 to LAT5006 */
  constructor(options: SqliteOptions) {
    this.options = options;
    ({ database: this.database, statements: this.statements, history: this.history } = this.open());
    this.last = this.readCeiling();
    this.ceiling = this.last;
  }

  get revision(): number {
    return this.last;
  }

  get compactedThrough(): number {
    return this.history.compactedThrough;
  }

  get(key: string): StoredEntry | undefined {
    const row = this.statements.get.get(key) as Row | undefined;
    return row === undefined ? undefined : checkedEntry(row);
  }

  list(prefix: string, limit: number, from: string): Page {
    const entries: StoredEntry[] = [];
    let bytes = 0;
    let next: string | undefined;
    for (const row of this.statements.list.iterate(from > prefix ? from : prefix, afterPrefix(prefix))) {
      const entry = checkedEntry(row as unknown as Row);
      if (entries.length >= limit || bytes >= pageBytes) {
        next = entry.key;
        break;
      }
      entries.push(entry);
      bytes += entry.value.length;
    }
    return { entries, revision: this.last, ...(next === undefined ? {} : { next }) };
  }

  slice(prefix: string, revision: number): HistorySlice {
    return this.history.slice(prefix, revision);
  }

  /** Runs transactions in order with one wait for the disk. Where the whole fails, each is tried by itself. */
  applyBatch(transactions: readonly Transaction<Uint8Array>[]): BatchResult[] {
    try {
      return this.write(() => transactions.map((transaction) => this.apply(transaction)));
    } catch (error) {
      if (transactions.length > 1) return transactions.flatMap((transaction) => this.applyBatch([transaction]));
      const fault = asStoreError(error);
      if (fault.code !== storeErrors.full("").code) return [{ error: fault }];
      return [this.applyWithLessHistory(transactions, fault)];
    }
  }

  reserve(count: number): { first: number; last: number } {
    const first = this.last + 1;
    const last = this.last + count;
    if (last > this.ceiling) {
      this.write(() => {
        this.last = last;
      });
    }
    this.last = last;
    return { first, last };
  }

  /** A clean end gives the revisions back that were not used. */
  close(): void {
    try {
      this.statements.raiseCeiling.run(this.last);
    } catch {
      // the revisions stay reserved
    }
    this.database.close();
  }

  private applyWithLessHistory(transactions: readonly Transaction<Uint8Array>[], fault: LateenError): BatchResult {
    try {
      this.write(() => this.history.halve());
      const [first] = this.write(() => transactions.map((transaction) => this.apply(transaction)));
      return first ?? { error: fault };
    } catch (error) {
      return { error: asStoreError(error) };
    }
  }

  /** Runs `work` in one durable transaction; revisions it used are covered by the ceiling. */
  private write<R>(work: () => R): R {
    if (this.doubtful) this.reopen();
    this.statements.begin.run();
    let ceiling = this.ceiling;
    try {
      const outcome = work();
      this.history.compact();
      if (this.last > ceiling) {
        ceiling = this.last + reservedAhead;
        this.statements.raiseCeiling.run(ceiling);
      }
      this.statements.commit.run();
      this.ceiling = ceiling;
      return outcome;
    } catch (error) {
      const fault = asStoreError(error);
      this.doubtful = fault.code === storeErrors.ioFailed("").code;
      // SQLite has rolled back by itself after some failures.
      if (this.database.isTransaction) this.statements.rollback.run();
      if (!this.doubtful) this.history = new SqliteHistory(this.database, this.historyLimit);
      throw fault;
    }
  }

  private apply(transaction: Transaction<Uint8Array>): BatchResult {
    const { conditions = [], puts = [], deletes = [] } = transaction;
    for (const { key, revision } of conditions) {
      const present = (this.statements.revision.get(key) as { revision: number } | undefined)?.revision ?? 0;
      if (present !== revision) return { result: { ok: false, key, revision: present }, changes: [] };
    }
    const revision = this.last + 1;
    const changes: StoredChange[] = [];
    for (const key of deletes) {
      if (this.statements.delete.run(key).changes > 0) changes.push({ key, value: undefined, revision });
    }
    for (const { key, value } of puts) {
      this.statements.put.run(key, value, revision, rowSum(key, value, revision));
      changes.push({ key, value, revision });
    }
    if (changes.length === 0) return { result: { ok: true, revision: this.last }, changes };
    for (const [ordinal, change] of changes.entries()) this.history.add(change, ordinal);
    this.last = revision;
    return { result: { ok: true, revision }, changes };
  }

  private get historyLimit(): number {
    return this.options.historyLimit ?? historyCountLimit;
  }

  private open(): { database: DatabaseSync; statements: Statements; history: SqliteHistory } {
    const { path, maxBytes } = this.options;
    let database: DatabaseSync | undefined;
    try {
      const walDamage = path === ":memory:" ? undefined : findWalDamage(`${path}-wal`);
      if (walDamage !== undefined) throw storeErrors.damaged(walDamage);
      database = new DatabaseSync(path, { timeout: 0 });
      // Exclusive: the lock of the operating system is held until the process ends, so it cannot be left behind.
      database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      database.exec("BEGIN IMMEDIATE; COMMIT");
      const { page_size: pageSize } = database.prepare("PRAGMA page_size").get() as { page_size: number };
      database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageSize)}`);
      migrate(database);
      this.historyDamage = checkIntegrity(database);
      const statements = prepareStatements(database);
      const history = new SqliteHistory(database, this.historyLimit);
      if (this.historyDamage !== undefined) {
        const ceiling = (statements.ceiling.get() as { value: number }).value;
        history.reset(ceiling);
      }
      return { database, statements, history };
    } catch (error) {
      database?.close();
      throw asStoreError(error);
    }
  }

  private reopen(): void {
    try {
      this.database.close();
    } catch {
      // the handles are gone either way
    }
    ({ database: this.database, statements: this.statements, history: this.history } = this.open());
    this.doubtful = false;
  }

  private readCeiling(): number {
    return (this.statements.ceiling.get() as { value: number }).value;
  }
}

interface Row {
  key: string;
  value: Uint8Array;
  revision: number;
  sum: number;
}

type Statements = Record<keyof typeof sql, StatementSync>;

const sql = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  get: "SELECT key, value, revision, sum FROM entries WHERE key = ?",
  revision: "SELECT revision FROM entries WHERE key = ?",
  list: "SELECT key, value, revision, sum FROM entries WHERE key >= ? AND key < ? ORDER BY key",
  put: "INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, sum = excluded.sum",
  delete: "DELETE FROM entries WHERE key = ?",
  ceiling: "SELECT value FROM meta WHERE name = 'revision_ceiling'",
  raiseCeiling: "UPDATE meta SET value = ? WHERE name = 'revision_ceiling'",
} as const;

function prepareStatements(database: DatabaseSync): Statements {
  return Object.fromEntries(Object.entries(sql).map(([name, text]) => [name, database.prepare(text)])) as Statements;
}

/** @throws LateenError LAT5005 where the row is not what was written */
function checkedEntry({ key, value, revision, sum }: Row): StoredEntry {
  if (rowSum(key, value, revision) !== sum) throw storeErrors.damaged(`the store's file is damaged at ${key}`);
  return { key, value, revision };
}

function asStoreError(error: unknown): LateenError {
  return error instanceof LateenError ? error : toStoreError(sqliteFault(error), error);
}
