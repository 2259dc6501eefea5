// Envoy's admin interface without Envoy.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../kernel/clock.ts";
import { AdminClient } from "./admin-client.ts";

/** A client of a server that answers as told, on a free port. */
export async function fakeAdmin(
  t: { after(fn: () => Promise<void>): void },
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<AdminClient> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return new AdminClient({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, clock: systemClock });
}
