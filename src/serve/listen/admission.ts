// Lets connections in at the socket: a few in progress, oldest first, the rest unread. A fleet that comes back at once
// would otherwise make every handshake slow and none complete (X21).
//
// A place is for work, not for waiting: who has said nothing yet gets none, and who makes no progress loses his to the next
// in line. So clients that stop in mid-handshake do not keep others out (X9).
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../kernel/clock.ts";

export interface AdmissionLimits {
  /** Connections whose handshake or first synchronisation is in progress. */
  readonly inProgress: number;
  /** Connections that have said something and wait for a place; more are closed and come back after their backoff. */
  readonly waiting: number;
  /** Connections that have said nothing; where there are more, the oldest is closed. */
  readonly silent: number;
  /** A connection that says nothing is closed after this long, milliseconds. */
  readonly silentMs: number;
  /** A place is given on when nothing moved on its connection for this long while others wait, milliseconds. */
  readonly stalledMs: number;
}

export const admissionLimits: AdmissionLimits = {
  inProgress: 16,
  waiting: 10_000,
  silent: 4_096,
  silentMs: 10_000,
  stalledMs: 100,
};

export class Admission {
  private readonly clock: Clock;
  private readonly limits: AdmissionLimits;
  private readonly admit: (socket: Socket) => void;
  private readonly onRefused: (reason: "silent" | "waiting") => void;
  /** Oldest first, as the others are. */
  private readonly silent = new Map<Socket, Cancel>();
  private readonly waiting = new Set<Socket>();
  /** With the bytes moved at the last look. */
  private readonly inProgress = new Map<Socket, number>();
  private cancelLook: Cancel | undefined;

  /**
   * @param options.admit starts the handshake; the socket's first bytes are in its buffer
   * @param options.onRefused told of each connection that is closed because it, or too many, said nothing or waited
   */
  constructor(options: {
    clock: Clock;
    admit: (socket: Socket) => void;
    onRefused?: (reason: "silent" | "waiting") => void;
    limits?: Partial<AdmissionLimits>;
  }) {
    this.clock = options.clock;
    this.admit = options.admit;
    this.onRefused = options.onRefused ?? (() => {});
    this.limits = { ...admissionLimits, ...options.limits };
  }

  /** Takes a socket that was accepted paused. */
  take(socket: Socket): void {
    socket.on("error", () => {}); // a client that gives up while it waits
    socket.once("close", () => this.forget(socket));
    if (this.silent.size >= this.limits.silent) {
      const [oldest] = this.silent.keys();
      if (oldest !== undefined) this.refuse(oldest, "silent");
    }
    this.silent.set(
      socket,
      this.clock.after(this.limits.silentMs, () => this.refuse(socket, "silent")),
    );
    // Reads the first bytes into the socket's own buffer and no further.
    socket.once("readable", () => this.speak(socket));
  }

  /** The connection has had its first answers: another may come in. */
  settled(socket: Socket): void {
    if (this.inProgress.delete(socket)) this.next();
  }

  /** Closes everything that was not admitted yet. */
  stop(): void {
    this.cancelLook?.();
    for (const socket of [...this.silent.keys(), ...this.waiting]) socket.destroy();
  }

  get counts(): { silent: number; waiting: number; inProgress: number } {
    return { silent: this.silent.size, waiting: this.waiting.size, inProgress: this.inProgress.size };
  }

  private speak(socket: Socket): void {
    const cancel = this.silent.get(socket);
    if (cancel === undefined) return;
    cancel();
    this.silent.delete(socket);
    if (socket.readableLength === 0)
      socket.destroy(); // it only said good-bye
    else if (this.waiting.size >= this.limits.waiting) this.refuse(socket, "waiting");
    else {
      this.waiting.add(socket);
      this.next();
    }
  }

  private refuse(socket: Socket, reason: "silent" | "waiting"): void {
    this.onRefused(reason);
    socket.destroy();
  }

  private forget(socket: Socket): void {
    this.silent.get(socket)?.();
    this.silent.delete(socket);
    this.waiting.delete(socket);
    this.settled(socket);
  }

  private next(): void {
    for (const socket of this.waiting) {
      if (this.inProgress.size >= this.limits.inProgress) break;
      this.waiting.delete(socket);
      this.inProgress.set(socket, moved(socket));
      this.admit(socket);
    }
    if (this.waiting.size > 0) this.cancelLook ??= this.clock.after(this.limits.stalledMs, () => this.look());
  }

  /** Takes the places of those on whose connections nothing moved since the last look. */
  private look(): void {
    this.cancelLook = undefined;
    for (const [socket, before] of this.inProgress) {
      const now = moved(socket);
      if (now === before) this.inProgress.delete(socket);
      else this.inProgress.set(socket, now);
    }
    this.next();
  }
}

/** Bytes that went over the connection either way. */
function moved(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten;
}
