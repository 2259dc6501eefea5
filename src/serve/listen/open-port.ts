// Opens a listening port, or says in one sentence why not.
import { once } from "node:events";
import type { Server } from "node:net";
import { serveErrors } from "../errors.ts";

/** @throws LateenError LAT2109 */
export async function openPort(server: Server, place: { host: string; port: number }): Promise<void> {
  server.listen(place.port, place.host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw serveErrors.listenFailed(`cannot listen on ${place.host}:${place.port}`, { cause });
  }
}
