// Connections with an HTTP/2 session, until they are gone.
//
// Node takes apart whatever has hung up before the event loop turns, 0.05 ms each and twice that with TLS: where a thousand hang
// up together, everybody else waits for all of them. And where a session has ended, because we end it or the client said
// GOAWAY, it waits for the other end without end: until it takes what is unsent, and hangs up.
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../kernel/clock.ts";

/** Of those that have hung up, so many are ended in one turn of the event loop. */
export const endedPerTurn = 32;
/** Who has not gone within one to two of these after the end of the session is cut, milliseconds. */
export const partingMs = 5_000;

export class OpenConnections {
  private readonly sockets = new Map<ServerHttp2Session, Socket>();
  private readonly hungUp = new Set<Socket>();
  /** Those whose session had ended at the last look. */
  private parting = new Set<ServerHttp2Session>();
  private readonly cancel: Cancel;

  constructor(clock: Clock) {
    this.cancel = clock.every(partingMs, () => this.cutParting());
  }

  get size(): number {
    return this.sockets.size;
  }

  /** @param socket what the session was made of */
  add(session: ServerHttp2Session, socket: Socket): void {
    this.sockets.set(session, socket);
    session.once("close", () => this.sockets.delete(session));
    socket.allowHalfOpen = true;
    socket.once("end", () => {
      this.hungUp.add(socket);
      if (this.hungUp.size === 1) setImmediate(() => this.endSome());
    });
  }

  /** Ends all. */
  stop(): void {
    this.cancel();
    for (const session of this.sockets.keys()) session.destroy();
    // Once GOAWAY is out.
    setImmediate(() => {
      for (const socket of this.sockets.values()) socket.destroy();
    });
  }

  private endSome(): void {
    let left = endedPerTurn;
    for (const socket of this.hungUp) {
      if (left === 0) break;
      left -= 1;
      this.hungUp.delete(socket);
      socket.destroy();
    }
    if (this.hungUp.size > 0) setImmediate(() => this.endSome());
  }

  private cutParting(): void {
    const parting = new Set<ServerHttp2Session>();
    for (const [session, socket] of this.sockets) {
      if (!session.destroyed) continue;
      if (this.parting.has(session)) socket.destroy();
      else parting.add(session);
    }
    this.parting = parting;
  }
}
