// Port 15012: ADS, certificates and join over HTTP/2 with TLS.
import { constants as crypto } from "node:crypto";
import { once } from "node:events";
import type { ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Metrics } from "../../kernel/metric.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { tokenMethods } from "../ca/token-methods.ts";
import type { QueueInspection } from "../debug/engine-inspection.ts";
import { serveErrors } from "../errors.ts";
import type { Peer } from "../peer.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { type AnonymousLimits, AnonymousSessions } from "./anonymous-sessions.ts";
import type { CallGuard } from "./call-guard.ts";
import { type CertificateLimits, CertificateSessions } from "./certificate-sessions.ts";
import { Http2Front } from "./http2-front.ts";
import { openPort } from "./open-port.ts";
import { peerOfTls } from "./peer-of.ts";

/** Where the options say nothing, a handshake may take so long, milliseconds (X9). */
const defaultHandshakeMs = 10_000;
/** Connections at one time, those that wait included. */
const connectionLimit = 30_000;

/**
 * Why a connection was closed before it was served; "connections": there are too many in all; "anonymous": it has no
 * certificate, and made too many calls or none, or there are too many of its kind; "session": its certificate has too many,
 * or it asked for nothing.
 */
type RefusalReason = "silent" | "waiting" | "handshake" | "certificate" | "connections" | "anonymous" | "session";

export interface ServerIdentity {
  /** PEM, leaf first, the root last: machines that join check it against the pin of their token. */
  readonly chain: readonly string[];
  readonly key: Secret<string>;
}

export interface SecureListenerOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  identity: ServerIdentity;
  /** PEM of the roots that client certificates must chain to. */
  roots: string;
  ads: AdsServer;
  /** Everything that is not ADS. */
  routes: (router: ConnectRouter) => void;
  /** By path of the unary method. */
  guards?: ReadonlyMap<string, CallGuard>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  admission?: Partial<AdmissionLimits>;
  anonymous?: Partial<AnonymousLimits>;
  certified?: Partial<CertificateLimits>;
  /** A handshake that takes longer is cut, milliseconds. */
  handshakeMs?: number;
}

/** Connections that were closed before they were served, by reason. */
export function refusedConnections(metrics: Metrics): Counter<"reason"> {
  return metrics.counter(
    "lateen_connections_refused_total",
    "Connections that were closed before they were served, by reason.",
    ["reason"],
  );
}

export class SecureListener implements Stoppable {
  private readonly log: Log;
  private readonly acceptor: Server;
  private readonly tls: TlsServer;
  private readonly front: Http2Front;
  private readonly admission: Admission;
  /** Admitted sockets without a session yet, by the address of their other end. */
  private readonly handshakes = new Map<string, Socket>();
  private readonly countRefused: (reason: RefusalReason) => void;
  private roots: string;

  private constructor(options: SecureListenerOptions) {
    const { ads, clock, log, routes } = options;
    this.log = log;
    this.roots = options.roots;
    this.tls = this.createTls(options.identity, options.handshakeMs ?? defaultHandshakeMs);
    const refused = refusedConnections(options.metrics);
    this.countRefused = (reason) => refused.inc({ reason });
    const sessions = new AnonymousSessions({
      clock,
      onEnded: () => this.countRefused("anonymous"),
      ...(options.anonymous === undefined ? {} : { limits: options.anonymous }),
    });
    const certified = new CertificateSessions({
      clock,
      onEnded: () => this.countRefused("session"),
      ...(options.certified === undefined ? {} : { limits: options.certified }),
    });
    const { guards = new Map() } = options;
    this.front = new Http2Front({
      ads,
      routes,
      anonymous: { paths: tokenMethods, sessions },
      certified,
      guards,
      clock,
      log,
    });
    this.admission = new Admission({
      clock,
      admit: (socket) => this.startHandshake(socket),
      onRefused: this.countRefused,
      ...(options.admission === undefined ? {} : { limits: options.admission }),
    });
    this.acceptor = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.admission.take(socket));
    this.acceptor.maxConnections = connectionLimit;
    this.acceptor.on("drop", () => this.countRefused("connections"));
  }

  /** @throws LateenError LAT2109 where the port cannot be had, LAT2108 where the certificate does not fit its key */
  static async listen(options: SecureListenerOptions): Promise<SecureListener> {
    const listener = new SecureListener(options);
    await openPort(listener.acceptor, options);
    return listener;
  }

  get port(): number {
    return (this.acceptor.address() as AddressInfo).port;
  }

  /** Connections on their way in, and sessions, with their limits. */
  get queues(): QueueInspection[] {
    const { silent, waiting, inProgress } = this.admission.counts;
    const limits = this.admission.limits;
    return [
      { name: "silent_connections", help: "connections that have said nothing", length: silent, limit: limits.silent },
      {
        name: "waiting_connections",
        help: "connections that wait for a handshake",
        length: waiting,
        limit: limits.waiting,
      },
      {
        name: "handshakes",
        help: "handshakes and first synchronisations in progress",
        ...{ length: inProgress, limit: limits.inProgress },
      },
      { name: "sessions", help: "HTTP/2 sessions on 15012", length: this.front.size, limit: connectionLimit },
    ];
  }

  /**
   * New connections get the new certificate, and are checked against the new roots; present ones stay.
   *
   * @throws LateenError LAT2108
   */
  replaceIdentity(identity: ServerIdentity, roots: string = this.roots): void {
    usable(() => this.tls.setSecureContext(credentials(identity, roots)));
    this.roots = roots;
  }

  /** Who is at the other end of an HTTP/2 session of this listener. */
  peerOf(session: ServerHttp2Session): Peer | undefined {
    return this.front.peerOf(session);
  }

  async stop(): Promise<void> {
    if (!this.acceptor.listening) return;
    const closed = once(this.acceptor, "close");
    this.acceptor.close();
    this.admission.stop();
    this.front.stop();
    for (const socket of this.handshakes.values()) socket.destroy();
    await closed;
  }

  private createTls(identity: ServerIdentity, handshakeMs: number): TlsServer {
    const server = usable(() =>
      createTlsServer({
        ...credentials(identity, this.roots),
        ALPNProtocols: ["h2"],
        requestCert: true,
        // An absent certificate is anonymous; one that does not verify is refused in `identify`.
        rejectUnauthorized: false,
        handshakeTimeout: handshakeMs,
      }),
    );
    server.on("secureConnection", (socket) => this.identify(socket));
    server.on("tlsClientError", (error, socket) => {
      this.countRefused("handshake");
      this.log.debug("TLS handshake failed", { error: error.message, address: socket.remoteAddress });
      socket.destroy();
    });
    return server;
  }

  private startHandshake(socket: Socket): void {
    const key = otherEnd(socket);
    this.handshakes.set(key, socket);
    socket.once("close", () => {
      if (this.handshakes.get(key) === socket) this.handshakes.delete(key);
    });
    this.tls.emit("connection", socket);
  }

  private identify(socket: TLSSocket): void {
    socket.on("error", () => {}); // its session sees the end
    const key = otherEnd(socket);
    const raw = this.handshakes.get(key);
    this.handshakes.delete(key);
    const peer = peerOfTls(socket);
    if (raw === undefined || peer === undefined) {
      this.countRefused("certificate");
      this.log.info("client certificate refused", {
        reason: socket.authorizationError?.message ?? "it carries no SPIFFE id",
        address: socket.remoteAddress,
      });
      socket.destroy();
      return;
    }
    const address = socket.remoteAddress ?? "";
    // Its one call is small: from here on it makes nobody wait.
    if (peer.kind === "anonymous") this.admission.settled(raw);
    else this.admission.proved(raw);
    this.front.accept(socket, { peer, address, onSettled: () => this.admission.settled(raw) });
  }
}

/** Everything a TLS context is made of: what is left out here would be lost when the certificate is replaced. */
function credentials(identity: ServerIdentity, roots: string): SecureContextOptions {
  return {
    cert: identity.chain.join(""),
    key: identity.key.reveal(),
    ca: roots,
    // As Istio; Lateen's own agents speak 1.3.
    minVersion: "TLSv1.2",
    // Resumption would skip what has been revoked or rotated since.
    secureOptions: crypto.SSL_OP_NO_TICKET | crypto.SSL_OP_NO_RENEGOTIATION,
  };
}

/** A TLS socket does not show the TCP socket below it, but both have the same other end. */
function otherEnd(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}

function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw serveErrors.tlsMaterial("the listener's certificate, key or roots cannot be used", { cause });
  }
}
