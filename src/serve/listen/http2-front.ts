// HTTP/2 over connections that others accepted: ADS streams go to the ADS server, everything else to the unary services.
import {
  constants,
  createServer,
  type Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { type ConnectRouter, createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Clock } from "../../kernel/clock.ts";
import type { LateenError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { callerValues } from "../ca/caller.ts";
import { serveErrors } from "../errors.ts";
import { grpcStatusOf, grpcTrailers } from "../grpc-status.ts";
import type { Peer } from "../peer.ts";
import type { AnonymousSessions } from "./anonymous-sessions.ts";
import type { CallGuard } from "./call-guard.ts";
import type { CertificateSessions } from "./certificate-sessions.ts";
import { OpenConnections } from "./open-connections.ts";

/** Bytes of one request's headers. */
const headerBytes = 16 << 10;
/** Pairs of one request's headers. */
const headerPairs = 64;
/** Streams one client may have open: one for ADS, and some calls. */
const streamLimit = 32;
/** Streams a client may reset at once (CVE-2023-44487). */
const resetBurst = 100;
/** Streams a client may reset per second from then on. */
const resetRate = 10;
/** Frames that make no sense before the session ends. */
const invalidFrameLimit = 32;
/** Pings of ours that may be without an answer: one every 3 s for a minute. */
const outstandingPings = 24;
/** Streams that were refused before the session ends. */
const rejectedStreamLimit = 32;
/** Megabytes of headers and unsent data that a session may hold; we hand over small chunks. */
const sessionMegabytes = 16;

/** One connection, as its listener knows it. */
export interface Front {
  readonly peer: Peer;
  /** IP address of the other end. */
  readonly address: string;
  /** Everything the client asked for so far was served. */
  readonly onSettled: () => void;
}

export interface Http2FrontOptions {
  readonly ads: AdsServer;
  /** Unary services; none on a port that serves ADS only. */
  readonly routes?: (router: ConnectRouter) => void;
  /** Where clients without a certificate may come: paths of the unary methods for them, and who keeps count of them. */
  readonly anonymous?: { readonly paths: ReadonlySet<string>; readonly sessions: AnonymousSessions };
  /** Keeps count of the sessions of clients with a certificate. */
  readonly certified?: CertificateSessions;
  /** By path of the unary method. */
  readonly guards?: ReadonlyMap<string, CallGuard>;
  readonly clock: Clock;
  readonly log: Log | undefined;
}

export class Http2Front {
  private readonly options: Http2FrontOptions;
  private readonly server: Http2Server;
  private readonly fronts = new WeakMap<ServerHttp2Session, Front>();
  private readonly connections: OpenConnections;
  private readonly unary: ReturnType<typeof connectNodeAdapter> | undefined;

  constructor(options: Http2FrontOptions) {
    this.options = options;
    this.connections = new OpenConnections(options.clock);
    this.unary = options.routes === undefined ? undefined : this.adapter(options.routes);
    this.server = createServer({
      maxHeaderListPairs: headerPairs,
      maxSessionMemory: sessionMegabytes,
      maxSessionInvalidFrames: invalidFrameLimit,
      maxOutstandingPings: outstandingPings,
      maxSessionRejectedStreams: rejectedStreamLimit,
      streamResetBurst: resetBurst,
      streamResetRate: resetRate,
      settings: { maxConcurrentStreams: streamLimit, maxHeaderListSize: headerBytes, enablePush: false },
    });
    this.server.on("sessionError", (error: Error) =>
      options.log?.debug("HTTP/2 session failed", { error: error.message }),
    );
    this.server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags, rawHeaders: string[]) =>
      this.serve(stream, headers, rawHeaders),
    );
  }

  /** Speaks HTTP/2 on the connection: plain TCP, or TLS after its handshake. */
  accept(socket: Socket, front: Front): void {
    const remember = (session: ServerHttp2Session): void => this.keep(session, socket, front);
    this.server.once("session", remember);
    this.server.emit("connection", socket); // makes the session at once
    this.server.off("session", remember);
  }

  /** Open sessions. */
  get size(): number {
    return this.connections.size;
  }

  /** Who is at the other end of a session of this front. */
  peerOf(session: ServerHttp2Session): Peer | undefined {
    return this.fronts.get(session)?.peer;
  }

  /** Ends every session at once. */
  stop(): void {
    this.connections.stop();
  }

  private keep(session: ServerHttp2Session, socket: Socket, front: Front): void {
    this.fronts.set(session, front);
    this.connections.add(session, socket);
    this.options.ads.pings.watch(session);
    if (front.peer.kind === "anonymous") this.options.anonymous?.sessions.watch(session, front.address);
    if (front.peer.kind === "verified") this.options.certified?.watch(session, front.peer);
    session.on("error", () => {}); // `sessionError` of the server has it
  }

  private serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: string[]): void {
    stream.on("error", () => {}); // its owner sees the end of the stream
    const front = stream.session === undefined ? undefined : this.fronts.get(stream.session as ServerHttp2Session);
    if (front === undefined) {
      stream.destroy();
      return;
    }
    this.options.certified?.begin(stream.session as ServerHttp2Session, stream);
    if (front.peer.kind === "anonymous" && !this.admitAnonymous(stream, headers)) return;
    const path = String(headers[":path"]);
    // connect's router leaves a query out; the guards, which go by the whole path, would not know the call. gRPC has none.
    const hasQuery = path.includes("?");
    const isGrpc = headers["content-type"]?.startsWith("application/grpc") === true && headers[":method"] === "POST";
    const variant = isGrpc ? this.options.ads.variantOf(path) : undefined;
    if (variant !== undefined) {
      const { peer, address, onSettled } = front;
      this.options.ads.accept(stream, { variant, peer, address, onSettled });
    } else if (this.unary === undefined || !isGrpc || hasQuery) refuse(stream, headers, notServed());
    else {
      const refusal = this.options.guards?.get(path)?.(front.peer, stream);
      if (refusal !== undefined) {
        refuse(stream, headers, refusal);
        return;
      }
      const response = new Http2ServerResponse(stream);
      stream.once("close", front.onSettled);
      this.unary(new Http2ServerRequest(stream, headers, {}, rawHeaders), response);
    }
  }

  /** At the headers: whoever has proven nothing must not make us wait for, or keep, what it sends. */
  private admitAnonymous(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const { anonymous } = this.options;
    if (anonymous?.sessions.begin(stream.session as ServerHttp2Session, stream) === false) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return false;
    }
    if (anonymous?.paths.has(String(headers[":path"])) === true) return true;
    refuse(stream, headers, serveErrors.unauthenticated("the connection has no client certificate"));
    return false;
  }

  private adapter(routes: (router: ConnectRouter) => void): ReturnType<typeof connectNodeAdapter> {
    return connectNodeAdapter({
      routes,
      connect: false,
      grpcWeb: false,
      contextValues: (request) => {
        const { stream } = request as Http2ServerRequest;
        const session = stream.session as ServerHttp2Session | undefined;
        const front = session === undefined ? undefined : this.fronts.get(session);
        if (session === undefined || front === undefined) return createContextValues();
        const { peer, address } = front;
        const sessions = peer.kind === "anonymous" ? this.options.anonymous?.sessions : undefined;
        const keep = sessions === undefined ? {} : { keep: () => sessions.prove(session, stream) };
        return callerValues({ peer, address, ...keep });
      },
      fallback: (request) =>
        refuse((request as Http2ServerRequest).stream, request.headers as IncomingHttpHeaders, notServed()),
    });
  }
}

function notServed(): LateenError {
  return serveErrors.unknownMethod("this port does not serve the method");
}

/** Tells a gRPC client why, and any other that there is no such page. */
function refuse(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, error: LateenError): void {
  if (stream.destroyed || stream.headersSent) return;
  if (headers["content-type"]?.startsWith("application/grpc") !== true) {
    stream.respond({ ":status": 404 }, { endStream: true });
  } else {
    const head = { ":status": 200, "content-type": "application/grpc", ...grpcTrailers(grpcStatusOf(error)) };
    stream.respond(head, { endStream: true });
  }
  // The request may go on; its end is cut off once the answer is out.
  setImmediate(() => stream.close());
}
