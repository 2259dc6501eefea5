// What passes between the store's client and its engine, which may be in another thread: plain, clonable data.
import type { Transaction, WatchEvent } from "./store.ts";

/** Answered by one message with the same id. */
export type EngineQuestion =
  | { id: number; call: "get"; key: string }
  | { id: number; call: "list"; prefix: string; limit: number; from: string }
  | { id: number; call: "txn"; transaction: Transaction<Uint8Array> }
  | { id: number; call: "revision" }
  | { id: number; call: "reserve"; count: number }
  | { id: number; call: "stop" };

export type EngineRequest =
  | EngineQuestion
  | { call: "watch"; watch: number; prefix: string; fromRevision: number }
  /** The last slice was taken; asks for the next. */
  | { call: "more"; watch: number }
  | { call: "unwatch"; watch: number };

export type EngineMessage =
  | { id: number; value: unknown }
  | { id: number; error: { code: string; message: string } }
  /** `more` asks the client for `more` once it has taken the event. */
  | { watch: number; event: WatchEvent; more: boolean };

/** What the thread says when it starts. */
export type EngineGreeting =
  | { opened: true; historyDamage: string | undefined }
  | { opened: false; error: { code: string; message: string } };
