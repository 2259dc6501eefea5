// Port 15010: ADS without TLS, for tests and loopback clients. Nobody has proven anything here.
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { Admission, admissionLimits } from "./admission.ts";
import { Http2Front } from "./http2-front.ts";
import { openPort } from "./open-port.ts";

/** Connections at one time, those that wait included. */
const connectionLimit = 10_000;

export class PlaintextListener implements Stoppable {
  private readonly acceptor: Server;
  private readonly front: Http2Front;
  private readonly admission: Admission;

  private constructor({ ads, clock }: { ads: AdsServer; clock: Clock }) {
    this.front = new Http2Front({ ads, clock, log: undefined });
    // Its clients are all on this machine, or a test: one network, which may have every place.
    const perNetwork = admissionLimits.inProgress;
    this.admission = new Admission({ clock, admit: (socket) => this.admit(socket), limits: { perNetwork } });
    this.acceptor = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.admission.take(socket));
    this.acceptor.maxConnections = connectionLimit;
  }

  /** @throws LateenError LAT2109 */
  static async listen(options: {
    host: string;
    port: number;
    ads: AdsServer;
    clock: Clock;
  }): Promise<PlaintextListener> {
    const listener = new PlaintextListener(options);
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
    this.admission.stop();
    this.front.stop();
    await closed;
  }

  private admit(socket: Socket): void {
    this.admission.proved(socket); // nothing more is to be proven here
    this.front.accept(socket, {
      peer: { kind: "plaintext" },
      address: socket.remoteAddress ?? "",
      onSettled: () => this.admission.settled(socket),
    });
  }
}
