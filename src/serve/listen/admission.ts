// Lets connections in at the socket: a few in progress, oldest first, the rest unread. A fleet that comes back at once
// would otherwise make every handshake slow and none complete.
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../kernel/clock.ts";

/** Connections whose handshake or first synchronisation is in progress. */
const inProgressLimit = 16;
/** Connections that wait; more are closed, and their clients come back after their backoff. */
const waitingLimit = 10_000;
/** A connection counts as in progress at most so long, milliseconds: one that asks for nothing must not hold a place. */
const progressMs = 10_000;

export class Admission {
  private readonly clock: Clock;
  private readonly admit: (socket: Socket) => void;
  private readonly waiting = new Set<Socket>();
  private readonly inProgress = new Map<Socket, Cancel>();
  /** Connections that were closed because too many waited. */
  refused = 0;

  /** @param admit starts the handshake of a socket that nothing was read from yet */
  constructor(clock: Clock, admit: (socket: Socket) => void) {
    this.clock = clock;
    this.admit = admit;
  }

  /** Takes a socket that was accepted paused. */
  take(socket: Socket): void {
    if (this.waiting.size >= waitingLimit) {
      this.refused += 1;
      socket.destroy();
      return;
    }
    socket.on("error", () => {}); // a client that gives up while it waits
    socket.once("close", () => {
      this.waiting.delete(socket);
      this.settled(socket);
    });
    this.waiting.add(socket);
    this.next();
  }

  /** The connection has had its first answer, or is over: another may come in. */
  settled(socket: Socket): void {
    const cancel = this.inProgress.get(socket);
    if (cancel === undefined) return;
    cancel();
    this.inProgress.delete(socket);
    this.next();
  }

  get counts(): { waiting: number; inProgress: number } {
    return { waiting: this.waiting.size, inProgress: this.inProgress.size };
  }

  private next(): void {
    for (const socket of this.waiting) {
      if (this.inProgress.size >= inProgressLimit) return;
      this.waiting.delete(socket);
      this.inProgress.set(
        socket,
        this.clock.after(progressMs, () => this.settled(socket)),
      );
      this.admit(socket);
    }
  }
}
