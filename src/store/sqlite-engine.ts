// Works off requests to a store's file in their order, and feeds its watches. Knows nothing of threads.
import type { LateenError } from "../kernel/error.ts";
import type { BatchResult, SqliteDatabase } from "./sqlite-database.ts";
import type { EngineMessage, EngineQuestion, EngineRequest } from "./sqlite-messages.ts";
import type { StoredChange } from "./store.ts";

interface EngineWatch {
  prefix: string;
  state: /** Waits for the slice it was sent to be taken, then reads on behind `cursor`. */
  { t: "catching up"; cursor: number } | { t: "live" };
}

type TransactionRequest = Extract<EngineRequest, { call: "txn" }>;

export class SqliteEngine {
  private readonly database: SqliteDatabase;
  private readonly post: (message: EngineMessage) => void;
  private readonly watches = new Map<number, EngineWatch>();

  constructor(database: SqliteDatabase, post: (message: EngineMessage) => void) {
    this.database = database;
    this.post = post;
  }

  /** Answers each request by one message. Transactions that follow each other share one wait for the disk. */
  handle(requests: readonly EngineRequest[]): void {
    let at = 0;
    while (at < requests.length) {
      const batch: TransactionRequest[] = [];
      let request = requests[at++];
      for (; request?.call === "txn"; request = requests[at++]) batch.push(request);
      if (batch.length > 0) this.transact(batch);
      if (request !== undefined) this.handleOne(request);
    }
  }

  private transact(batch: readonly TransactionRequest[]): void {
    const results: BatchResult[] = this.database.applyBatch(batch.map((request) => request.transaction));
    this.feed(results.flatMap((result) => ("error" in result ? [] : result.changes)));
    for (const [index, result] of results.entries()) {
      const id = batch[index]?.id ?? 0;
      if ("error" in result) this.fail(id, result.error);
      else this.post({ id, value: result.result });
    }
  }

  private handleOne(request: Exclude<EngineRequest, { call: "txn" }>): void {
    if (request.call === "watch") this.watch(request.watch, request.prefix, request.fromRevision);
    else if (request.call === "more") this.readOn(request.watch);
    else if (request.call === "unwatch") this.watches.delete(request.watch);
    else {
      try {
        this.post({ id: request.id, value: this.answer(request) });
      } catch (error) {
        this.fail(request.id, error as LateenError);
      }
    }
  }

  private answer(request: Exclude<EngineQuestion, { call: "txn" }>): unknown {
    switch (request.call) {
      case "get":
        return this.database.get(request.key);
      case "list":
        return this.database.list(request.prefix, request.limit, request.from);
      case "revision":
        return this.database.revision;
      case "reserve":
        return this.database.reserve(request.count);
      case "stop":
        this.database.close();
        return undefined;
    }
  }

  private watch(id: number, prefix: string, fromRevision: number): void {
    const { revision, compactedThrough } = this.database;
    // A revision from the future was given out before an older copy of the file was put back.
    if (fromRevision < compactedThrough || fromRevision > revision) {
      this.post({ watch: id, event: { type: "compacted", revision }, more: false });
      return;
    }
    this.watches.set(id, { prefix, state: { t: "catching up", cursor: fromRevision } });
    this.readOn(id);
  }

  private readOn(id: number): void {
    const watch = this.watches.get(id);
    if (watch === undefined || watch.state.t === "live") return;
    const { cursor } = watch.state;
    if (cursor < this.database.compactedThrough) {
      this.watches.delete(id);
      this.post({ watch: id, event: { type: "compacted", revision: this.database.revision }, more: false });
      return;
    }
    const { changes, complete } = this.database.slice(watch.prefix, cursor);
    watch.state = complete ? { t: "live" } : { t: "catching up", cursor: changes.at(-1)?.revision ?? cursor };
    if (changes.length > 0) this.post({ watch: id, event: { type: "changes", changes }, more: !complete });
  }

  private feed(changes: readonly StoredChange[]): void {
    if (changes.length === 0) return;
    for (const [id, { prefix, state }] of this.watches) {
      if (state.t !== "live") continue; // it will read them from the history
      const wanted = changes.filter((change) => change.key.startsWith(prefix));
      if (wanted.length > 0) this.post({ watch: id, event: { type: "changes", changes: wanted }, more: false });
    }
  }

  private fail(id: number, error: LateenError): void {
    this.post({ id, error: { code: error.code, message: error.message } });
  }
}
