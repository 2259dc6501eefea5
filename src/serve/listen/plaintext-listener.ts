// Port 15010: ADS without TLS, for tests and loopback clients. Nobody has proven anything here.
import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { openPort } from "./open-port.ts";

export class PlaintextListener implements Stoppable {
  private readonly server: Http2Server;
  private readonly sessions = new Set<ServerHttp2Session>();

  private constructor(ads: AdsServer) {
    this.server = createServer({ settings: { maxConcurrentStreams: 32, enablePush: false } });
    this.server.on("session", (session) => {
      this.sessions.add(session);
      session.on("error", () => {});
      session.once("close", () => this.sessions.delete(session));
    });
    this.server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const variant = ads.variantOf(String(headers[":path"]));
      if (variant !== undefined) ads.accept(stream, { variant, peer: { kind: "plaintext" } });
      else {
        // gRPC's UNIMPLEMENTED: nothing else is served without TLS.
        stream.respond(
          { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" },
          { endStream: true },
        );
      }
    });
  }

  /** @throws LateenError LAT2109 */
  static async listen(options: { host: string; port: number; ads: AdsServer }): Promise<PlaintextListener> {
    const listener = new PlaintextListener(options.ads);
    await openPort(listener.server as never, options);
    return listener;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    for (const session of this.sessions) session.destroy();
    await closed;
  }
}
