// A store in memory, made of the real parts without the thread and the disk.
import { EngineClient } from "./engine-client.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { SqliteEngine } from "./sqlite-engine.ts";
import type { EngineMessage, EngineRequest } from "./sqlite-messages.ts";
import type { Store } from "./store.ts";

export function memoryStore(options: { historyLimit?: number; maxBytes?: number } = {}): Store {
  const database = new SqliteDatabase({ path: ":memory:", maxBytes: 256 << 20, ...options });
  let requests: EngineRequest[] = [];
  const client: EngineClient = new EngineClient({
    send(request) {
      // As through a port: later, in order, and several at once.
      if (requests.push(structuredClone(request)) === 1) {
        queueMicrotask(() => {
          const batch = requests;
          requests = [];
          engine.handle(batch);
        });
      }
    },
    closed: Promise.resolve(),
  });
  const engine = new SqliteEngine(database, (message: EngineMessage) => {
    const copy = structuredClone(message);
    queueMicrotask(() => client.receive(copy));
  });
  return client;
}
