// The `Store` as its users see it: checks arguments, sends requests to an engine and hands its news on.
import { utf8 } from "../kernel/bytes.ts";
import type { Cancel } from "../kernel/clock.ts";
import type { LateenError } from "../kernel/error.ts";
import { storeErrors } from "./errors.ts";
import {
  checkKey,
  checkPageSize,
  checkPrefix,
  checkReservation,
  checkRevision,
  checkTransaction,
  pageLimit,
  watchLimit,
} from "./limits.ts";
import type { EngineMessage, EngineQuestion, EngineRequest } from "./sqlite-messages.ts";
import type { Page, Store, StoredEntry, Transaction, TransactionResult, WatchEvent } from "./store.ts";

/** Requests that may wait, and their values together in bytes: what a disk that stalls may cost in memory. */
const waitingLimit = 10_000;
const waitingBytesLimit = 64 << 20;

/** The way to an engine. */
export interface EngineLink {
  send(request: EngineRequest): void;
  /** Resolves once the engine is gone. */
  closed: Promise<void>;
}

type WithoutId<R> = R extends EngineQuestion ? Omit<R, "id"> : never;

interface Waiting {
  bytes: number;
  resolve(value: unknown): void;
  reject(error: LateenError): void;
}

interface ClientWatch {
  listener(event: WatchEvent): void;
}

export class EngineClient implements Store {
  private readonly link: EngineLink;
  private readonly waiting = new Map<number, Waiting>();
  private readonly watches = new Map<number, ClientWatch>();
  private waitingBytes = 0;
  private nextId = 1;
  private ended: LateenError | undefined;
  private stopping: Promise<void> | undefined;

  constructor(link: EngineLink) {
    this.link = link;
  }

  async get(key: string): Promise<StoredEntry | undefined> {
    checkKey(key);
    return (await this.ask({ call: "get", key })) as StoredEntry | undefined;
  }

  async list(prefix: string, options: { limit?: number; from?: string } = {}): Promise<Page> {
    const { limit = pageLimit, from = prefix } = options;
    checkPrefix(prefix);
    checkPrefix(from);
    checkPageSize(limit);
    return (await this.ask({ call: "list", prefix, limit, from })) as Page;
  }

  async txn(transaction: Transaction): Promise<TransactionResult> {
    const puts = (transaction.puts ?? []).map(({ key, value }) => ({
      key,
      value: typeof value === "string" ? utf8(value) : value,
    }));
    const encoded: Transaction<Uint8Array> = { ...transaction, puts };
    checkTransaction(encoded);
    const bytes = puts.reduce((sum, put) => sum + put.value.length, 0);
    return (await this.ask({ call: "txn", transaction: encoded }, bytes)) as TransactionResult;
  }

  watch(prefix: string, fromRevision: number, listener: (event: WatchEvent) => void): Cancel {
    checkPrefix(prefix);
    checkRevision(fromRevision);
    if (this.ended !== undefined) throw this.ended;
    if (this.watches.size >= watchLimit) throw storeErrors.badRequest(`a store has at most ${watchLimit} watches`);
    const id = this.nextId++;
    this.watches.set(id, { listener });
    this.link.send({ call: "watch", watch: id, prefix, fromRevision });
    return () => {
      if (this.watches.delete(id) && this.ended === undefined) this.link.send({ call: "unwatch", watch: id });
    };
  }

  async revision(): Promise<number> {
    return (await this.ask({ call: "revision" })) as number;
  }

  async reserveRevisions(count: number): Promise<{ first: number; last: number }> {
    checkReservation(count);
    return (await this.ask({ call: "reserve", count })) as { first: number; last: number };
  }

  /** True once `stop` was called. */
  get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopOnce();
    return this.stopping;
  }

  /** Takes a message of the engine; to be called in the order in which they were sent. */
  receive(message: EngineMessage): void {
    if ("watch" in message) {
      const watch = this.watches.get(message.watch);
      if (watch === undefined) return; // cancelled while the message was under way
      if (message.event.type === "compacted") this.watches.delete(message.watch);
      watch.listener(message.event);
      if (message.more) this.link.send({ call: "more", watch: message.watch });
      return;
    }
    const waiting = this.waiting.get(message.id);
    if (waiting === undefined) return;
    this.waiting.delete(message.id);
    this.waitingBytes -= waiting.bytes;
    if ("error" in message) waiting.reject(storeErrorOf(message.error));
    else waiting.resolve(message.value);
  }

  /** Ends every request and watch; for an engine that is gone. */
  end(error: LateenError): void {
    if (this.ended !== undefined) return;
    this.ended = error;
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
    this.watches.clear();
  }

  private async stopOnce(): Promise<void> {
    if (this.ended === undefined) {
      const done = this.send({ call: "stop" }, 0).catch(() => {}); // an engine that is gone needs no stop
      this.watches.clear();
      this.ended = storeErrors.stopped("the store is stopped");
      await done;
    }
    await this.link.closed;
  }

  private async ask(request: WithoutId<EngineQuestion>, bytes = 0): Promise<unknown> {
    if (this.ended !== undefined) throw this.ended;
    if (this.waiting.size >= waitingLimit || this.waitingBytes + bytes > waitingBytesLimit) {
      throw storeErrors.busy(`${this.waiting.size} requests wait for the store`);
    }
    return await this.send(request, bytes);
  }

  private send(request: WithoutId<EngineQuestion>, bytes: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.waiting.set(id, { bytes, resolve, reject });
      this.waitingBytes += bytes;
      this.link.send({ ...request, id } as EngineQuestion);
    });
  }
}

/** The error that an engine reported by its code. */
export function storeErrorOf(error: { code: string; message: string }): LateenError {
  for (const make of Object.values(storeErrors)) {
    const made = make(error.message);
    if (made.code === error.code) return made;
  }
  return storeErrors.stopped(error.message);
}
