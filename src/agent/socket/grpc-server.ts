// gRPC over HTTP/2 on one Unix socket, for Envoy.
import { createServer, type Http2Server, type Http2Session, type ServerHttp2Stream } from "node:http2";
import { dirname } from "node:path";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import { agentErrors } from "../errors.ts";
import { grpcStatus } from "../grpc/grpc-status.ts";
import { type CallHandler, refuseCall, ServerCall } from "../grpc/server-call.ts";
import { claimSocketFolder, handOverSocketFolder, type Owner, removeStaleSocket } from "./socket-folder.ts";

export interface GrpcServerOptions {
  /** Handlers by path, `/package.Service/Method`. */
  handlers: ReadonlyMap<string, CallHandler>;
  log: Log;
}

/** Envoy opens two (xDS and SDS), twice that during a restart. */
const connectionLimit = 16;
/** Envoy opens one stream per SDS secret and one for ADS. */
const streamLimit = 128;
/** Longest request: subscriptions of 100,000 names are about 10 MiB. */
const messageLimitBytes = 16 << 20;

export class GrpcServer implements Stoppable {
  private readonly handlers: ReadonlyMap<string, CallHandler>;
  private readonly log: Log;
  private readonly server: Http2Server;
  private readonly sessions = new Set<Http2Session>();
  private stopping: Promise<void> | undefined;

  constructor(options: GrpcServerOptions) {
    this.handlers = options.handlers;
    this.log = options.log;
    this.server = createServer({
      settings: { maxConcurrentStreams: streamLimit, initialWindowSize: 1 << 20, enablePush: false },
    });
    this.server.on("session", (session) => this.admit(session));
    this.server.on("stream", (stream, headers) => {
      this.dispatch(stream as ServerHttp2Stream, headers[":method"], headers[":path"]);
    });
  }

  /**
   * Listens on a socket of mode 0600 in a folder of mode 0700, both the owner's.
   *
   * @param self numeric user of this process
   * @throws LateenError LAT4205 or LAT4209
   */
  async listen(path: string, owner: Owner | undefined, self: number): Promise<void> {
    const folder = dirname(path);
    claimSocketFolder(folder, owner, self);
    removeStaleSocket(path);
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", (cause) => reject(agentErrors.portTaken(`cannot listen on ${path}`, { cause })));
      this.server.listen(path, resolve);
    });
    handOverSocketFolder(folder, path, owner);
  }

  stop(): Promise<void> {
    this.stopping ??= new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const session of this.sessions) session.destroy();
    });
    return this.stopping;
  }

  private admit(session: Http2Session): void {
    if (this.sessions.size >= connectionLimit) {
      this.log.warn("refused a connection on the agent's socket", { open: this.sessions.size });
      session.destroy();
      return;
    }
    this.sessions.add(session);
    session.on("error", () => {}); // its streams report
    session.on("close", () => this.sessions.delete(session));
  }

  private dispatch(stream: ServerHttp2Stream, method: unknown, path: unknown): void {
    const handler = method === "POST" && typeof path === "string" ? this.handlers.get(path) : undefined;
    if (handler === undefined) {
      refuseCall(stream, grpcStatus.unimplemented, "the agent does not serve this method");
      return;
    }
    new ServerCall(stream, handler, messageLimitBytes);
  }
}
