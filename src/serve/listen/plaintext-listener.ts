// Port 15010: ADS without TLS, for tests and loopback clients. Nobody has proven anything here.
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { Http2Front } from "./http2-front.ts";
import { openPort } from "./open-port.ts";

/** Connections at one time. */
const connectionLimit = 1_024;

export class PlaintextListener implements Stoppable {
  private readonly acceptor: Server;
  private readonly front: Http2Front;

  private constructor(ads: AdsServer) {
    this.front = new Http2Front({ ads, log: undefined });
    this.acceptor = createServer({ noDelay: true }, (socket) =>
      this.front.accept(socket, {
        peer: { kind: "plaintext" },
        address: socket.remoteAddress ?? "",
        onSettled: () => {},
      }),
    );
    this.acceptor.maxConnections = connectionLimit;
  }

  /** @throws LateenError LAT2109 */
  static async listen(options: { host: string; port: number; ads: AdsServer }): Promise<PlaintextListener> {
    const listener = new PlaintextListener(options.ads);
    await openPort(listener.acceptor, options);
    return listener;
  }

  get port(): number {
    return (this.acceptor.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.acceptor.listening) return;
    const closed = once(this.acceptor, "close");
    this.acceptor.close();
    this.front.stop();
    await closed;
  }
}
