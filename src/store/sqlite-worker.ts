// Thread entry: SQLite is synchronous, and a slow disk must not stall the main loop.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { LateenError } from "../kernel/error.ts";
import { SqliteDatabase, type SqliteOptions } from "./sqlite-database.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import type { EngineGreeting, EngineRequest } from "./sqlite-messages.ts";

/** Requests taken from the queue at once; their transactions share one wait for the disk. */
const batchLimit = 256;

function open(port: MessagePort, options: SqliteOptions): void {
  let database: SqliteDatabase;
  try {
    database = new SqliteDatabase(options);
  } catch (error) {
    const { code, message } = error as LateenError;
    port.postMessage({ opened: false, error: { code, message } } satisfies EngineGreeting);
    port.close();
    return;
  }
  const engine = new SqliteEngine(database, (message) => port.postMessage(message));
  port.on("message", (first: EngineRequest) => {
    const requests = [first];
    while (requests.length < batchLimit) {
      const next = receiveMessageOnPort(port) as { message: EngineRequest } | undefined;
      if (next === undefined) break;
      requests.push(next.message);
    }
    engine.handle(requests);
    if (requests.some((request) => request.call === "stop")) port.close();
  });
  port.postMessage({ opened: true, historyDamage: database.historyDamage } satisfies EngineGreeting);
}

if (parentPort !== null) open(parentPort, workerData as SqliteOptions);
