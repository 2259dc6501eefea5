// Opens the durable store of a data folder: SQLite in a thread of its own.
import { Worker } from "node:worker_threads";
import type { LateenError } from "../kernel/error.ts";
import type { Log } from "../kernel/log.ts";
import { EngineClient, storeErrorOf } from "./engine-client.ts";
import { storeErrors } from "./errors.ts";
import type { SqliteOptions } from "./sqlite-database.ts";
import { markStoreMade, prepareStoreFile } from "./sqlite-folder.ts";
import type { EngineGreeting, EngineMessage } from "./sqlite-messages.ts";
import type { Store } from "./store.ts";

/** Default quota of the file, bytes: as etcd's. */
const defaultMaxBytes = 2 << 30;

export interface SqliteStoreOptions {
  /** Made with mode 0700 where it is missing. */
  folder: string;
  log: Log;
  /** User id of this process; undefined where the system has none. */
  uid: number | undefined;
  /** Quota of the file, bytes; default 2 GiB. */
  maxBytes?: number;
  /** Changes kept for watches; default 10,000. */
  historyLimit?: number;
  /** Told once if the store's thread ends by itself; every request after that is rejected with LAT5008. */
  onFailure?: (error: LateenError) => void;
}

/** @throws LateenError LAT5003 to LAT5007 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const path = prepareStoreFile(options.folder, options.uid);
  const workerData: SqliteOptions = {
    path,
    maxBytes: options.maxBytes ?? defaultMaxBytes,
    ...(options.historyLimit === undefined ? {} : { historyLimit: options.historyLimit }),
  };
  const worker = new Worker(new URL("./sqlite-worker.ts", import.meta.url), { workerData, name: "store" });
  let crash: unknown;
  worker.on("error", (error) => {
    crash = error;
  });
  const closed = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const greeting = await Promise.race([
    new Promise<EngineGreeting>((resolve) => worker.once("message", resolve)),
    closed.then(() => undefined),
  ]);
  if (greeting === undefined) throw storeErrors.stopped("the store's thread ended at its start", { cause: crash });
  if (!greeting.opened) {
    await closed;
    throw storeErrorOf(greeting.error);
  }
  markStoreMade(options.folder);
  if (greeting.historyDamage !== undefined) {
    options.log.warn("the history of the store was damaged and is reset", { damage: greeting.historyDamage });
  }
  const client = new EngineClient({ send: (request) => worker.postMessage(request), closed });
  worker.on("message", (message: EngineMessage) => client.receive(message));
  void closed.then(() => {
    const error = storeErrors.stopped("the store's thread ended", crash === undefined ? {} : { cause: crash });
    const wanted = client.isStopping;
    client.end(error);
    if (!wanted) options.onFailure?.(error);
  });
  return client;
}
