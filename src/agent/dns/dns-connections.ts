// The TCP side of the DNS server: few connections, short idle times, whole messages only.
import type { Server, Socket } from "node:net";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { DnsMetrics } from "./dns-metrics.ts";
import { FrameReader, frame } from "./frame-reader.ts";

/** More connections are closed at once. */
export const connectionLimit = 100;
/** A connection that has not delivered a whole message for this long is closed; a byte now and then does not help. */
export const idleMs = 5_000;
/** Messages of one connection being answered; the rest waits unread. */
const pipelineLimit = 16;
/** Answers that a client has not read yet, bytes; then it is cut off. */
const unreadLimit = 256 * 1024;

export interface ConnectionsOptions {
  answer: (message: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  clock: Clock;
  metrics: DnsMetrics;
}

export class DnsConnections {
  private readonly options: ConnectionsOptions;
  private readonly sockets = new Set<Socket>();

  constructor(options: ConnectionsOptions) {
    this.options = options;
  }

  /** Takes the connections of a listening server. */
  serve(server: Server): void {
    server.on("connection", (socket) => this.accept(socket));
  }

  /** Open connections. */
  get size(): number {
    return this.sockets.size;
  }

  closeAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(socket: Socket): void {
    const { clock, metrics } = this.options;
    socket.on("error", () => {}); // followed by "close"
    if (this.sockets.size >= connectionLimit) {
      metrics.refusals.inc({ reason: "connection_limit" });
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    const reader = new FrameReader();
    let waiting = 0;
    let cancelIdle: Cancel = () => {};
    const restartIdle = (): void => {
      cancelIdle();
      cancelIdle = clock.after(idleMs, () => socket.destroy());
    };
    restartIdle();
    socket.on("close", () => {
      cancelIdle();
      this.sockets.delete(socket);
    });
    socket.on("end", () => {
      if (waiting === 0) socket.end();
    });
    socket.on("data", (chunk: Buffer) => {
      for (const message of reader.push(chunk)) {
        restartIdle();
        waiting += 1;
        if (waiting >= pipelineLimit) socket.pause();
        void this.reply(socket, message).then(() => {
          waiting -= 1;
          restartIdle();
          if (waiting < pipelineLimit) socket.resume();
          if (waiting === 0 && socket.readableEnded) socket.end();
        });
      }
    });
  }

  private async reply(socket: Socket, message: Uint8Array): Promise<void> {
    const answer = await this.options.answer(message);
    if (socket.destroyed) return;
    // What cannot be answered on a stream cannot be skipped either.
    if (answer === undefined || socket.writableLength > unreadLimit) socket.destroy();
    else socket.write(frame(answer));
  }
}
