// Port 15012: ADS, certificates and join over HTTP/2 with TLS.
import { constants as crypto } from "node:crypto";
import { once } from "node:events";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { callerValues } from "../ca/caller.ts";
import type { Peer } from "../peer.ts";
import { Admission } from "./admission.ts";
import { openPort } from "./open-port.ts";
import { peerOfTls } from "./peer-of.ts";

/** A handshake that takes longer is cut (X9). */
const handshakeMs = 10_000;
/** Pings are sent so often; a session without an answer to one before the next is cut, so half-open ones last 6 s. */
const pingMs = 3_000;
/** Bytes of one request's headers. */
const headerBytes = 16 << 10;
/** Streams one client may have open: one for ADS, and a few calls. */
const streamLimit = 32;

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
  clock: Clock;
  log: Log;
}

export class SecureListener implements Stoppable {
  private readonly options: SecureListenerOptions;
  private readonly acceptor: Server;
  private readonly server: Http2SecureServer;
  private readonly admission: Admission;
  private readonly sessions = new Set<ServerHttp2Session>();
  private readonly peers = new WeakMap<object, { peer: Peer; raw: Socket }>();
  private readonly cancelPings: Cancel;

  private constructor(options: SecureListenerOptions) {
    this.options = options;
    const { ads, clock, log, routes } = options;
    this.server = createSecureServer({
      ...this.credentials(options.identity),
      requestCert: true,
      // An absent certificate is anonymous; one that does not verify is refused below.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      // Resumption would skip what has been revoked or rotated since (C9).
      secureOptions: crypto.SSL_OP_NO_TICKET,
      handshakeTimeout: handshakeMs,
      maxHeaderListPairs: 64,
      maxSessionMemory: 64,
      settings: { maxConcurrentStreams: streamLimit, maxHeaderListSize: headerBytes, enablePush: false },
    });
    this.admission = new Admission(clock, (socket) => this.server.emit("connection", socket));
    this.server.on("secureConnection", (socket: TLSSocket) => this.identify(socket));
    this.server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      log.debug("TLS handshake failed", { error: error.message, address: socket.remoteAddress });
      socket.destroy();
    });
    this.server.on("session", (session) => this.keep(session));
    this.server.on("sessionError", (error: Error) => log.debug("HTTP/2 session failed", { error: error.message }));
    this.server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const variant = ads.variantOf(String(headers[":path"]));
      const known = stream.session === undefined ? undefined : this.known(stream.session);
      if (variant === undefined || known === undefined) return; // the adapter's
      ads.accept(stream, { variant, peer: known.peer, onSettled: () => this.admission.settled(known.raw) });
    });
    const adapter = connectNodeAdapter({
      routes,
      connect: false,
      grpcWeb: false,
      contextValues: (request) => {
        const session = (request as Http2ServerRequest).stream.session;
        const known = session === undefined ? undefined : this.known(session);
        const address = known?.raw.remoteAddress ?? "";
        return callerValues({ peer: known?.peer ?? { kind: "anonymous" }, address });
      },
    });
    this.server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
      if (ads.variantOf(request.url) === undefined) adapter(request, response);
    });
    this.acceptor = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.admission.take(socket));
    this.cancelPings = clock.every(pingMs, () => this.pingAll());
  }

  /** @throws LateenError LAT2109 where the port cannot be had */
  static async listen(options: SecureListenerOptions): Promise<SecureListener> {
    const listener = new SecureListener(options);
    await openPort(listener.acceptor, options);
    return listener;
  }

  get port(): number {
    return (this.acceptor.address() as AddressInfo).port;
  }

  /** New connections get the new certificate; present ones stay. */
  replaceIdentity(identity: ServerIdentity): void {
    this.server.setSecureContext(this.credentials(identity));
  }

  async stop(): Promise<void> {
    this.cancelPings();
    const closed = once(this.acceptor, "close");
    this.acceptor.close();
    for (const session of this.sessions) session.destroy();
    await closed;
  }

  private credentials(identity: ServerIdentity) {
    return { cert: identity.chain.join(""), key: identity.key.reveal(), ca: this.options.roots };
  }

  private identify(socket: TLSSocket): void {
    const peer = peerOfTls(socket);
    if (peer !== undefined) return;
    this.options.log.info("client certificate refused", {
      reason: socket.authorizationError?.message ?? "it carries no SPIFFE id",
      address: socket.remoteAddress,
    });
    socket.destroy();
  }

  private keep(session: ServerHttp2Session): void {
    this.sessions.add(session);
    session.once("close", () => this.sessions.delete(session));
    session.on("error", () => {}); // `sessionError` of the server has it
  }

  private known(session: object): { peer: Peer; raw: Socket } | undefined {
    let known = this.peers.get(session);
    if (known === undefined) {
      // The session shows its socket through a proxy; the TLS socket's own methods work on it.
      const socket = (session as ServerHttp2Session).socket as TLSSocket;
      const peer = peerOfTls(socket);
      if (peer === undefined) return undefined;
      known = { peer, raw: rawSocketOf(socket) };
      this.peers.set(session, known);
    }
    return known;
  }

  private pingAll(): void {
    for (const session of this.sessions) {
      if (unanswered.has(session)) {
        session.destroy();
        continue;
      }
      unanswered.add(session);
      session.ping(() => unanswered.delete(session));
    }
  }
}

/** Sessions that owe the answer to a ping. */
const unanswered = new WeakSet<ServerHttp2Session>();

/** The TCP socket below a TLS socket; the TLS socket itself where Node does not show it. */
function rawSocketOf(socket: TLSSocket): Socket {
  return (socket as unknown as { _parent?: Socket })._parent ?? socket;
}
