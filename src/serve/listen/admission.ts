// Lets connections in at the socket: a few in progress, oldest first, the rest unread. A fleet that comes back at once
// would otherwise make every handshake slow and none complete (X21).
//
// A place is for work, not for waiting: who has said nothing yet gets none, and who makes no progress, or takes long, loses
// his to the next in line. So clients that stop in mid-handshake, or go on for ever, do not keep others out (X9). Networks
// take turns, and none has more than half of the places. Those from which certificates of the mesh have come go first, those
// that only used up places last, so that many strangers do not keep a fleet out; some places are given in turn to all alike.
//
// To hear whether a connection says something is to read all that has come, up to 64 KiB. So few are listened to at a time, and
// no more of a network than will have places soon.

import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { networkOf } from "../../kernel/ip-network.ts";
import { Tally } from "../../kernel/tally.ts";
import { NetworkStanding } from "./network-standing.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface AdmissionLimits {
  /** Connections whose handshake or first synchronisation is in progress. */
  readonly inProgress: number;
  /** Of them, those of one network. */
  readonly perNetwork: number;
  /**
   * Connections that wait to be listened to, or have said something and wait for a place. Where there are more, the newest of
   * the network that has the most is closed, and comes back after its backoff.
   */
  readonly waiting: number;
  /** Of one network, those that have said something, or may at any moment: no more are listened to before one has a place. */
  readonly heardPerNetwork: number;
  /** The same of all networks: what they say is up to 128 KiB each. */
  readonly heardInAll: number;
  /** Who has said nothing after being listened to for so long does not count among them, milliseconds. */
  readonly quietMs: number;
  /** Connections that are begun to be listened to in one turn of the event loop. */
  readonly heardAtOnce: number;
  /** Connections that have said nothing; where there are more, the oldest is closed. */
  readonly silent: number;
  /** A connection that says nothing is closed after this long, milliseconds. */
  readonly silentMs: number;
  /** A place is given on when nothing moved on its connection for this long while others wait, milliseconds. */
  readonly stalledMs: number;
  /** A place is given on after this long while others wait, whatever moves, where nothing was proven, milliseconds. */
  readonly unprovenMs: number;
  /** The same where a certificate was proven, milliseconds. */
  readonly placeMs: number;
  /** One of so many is listened to, and one of so many places is given, without regard to what the networks did before. */
  readonly plainTurn: number;
}

export const admissionLimits: AdmissionLimits = {
  inProgress: 16,
  perNetwork: 8,
  waiting: 10_000,
  heardPerNetwork: 64,
  heardInAll: 512,
  quietMs: 100,
  heardAtOnce: 16,
  silent: 4_096,
  silentMs: 10_000,
  stalledMs: 100,
  unprovenMs: 300,
  placeMs: 2_000,
  plainTurn: 8,
};

/** A connection that is listened to. */
interface Silence {
  cancel: Cancel;
  expected: boolean;
}

interface Place {
  readonly network: string;
  /** Monotonic, milliseconds. */
  readonly sinceMs: number;
  /** Bytes moved at the last look. */
  moved: number;
  proven: boolean;
}

export class Admission {
  private readonly clock: Clock;
  readonly limits: AdmissionLimits;
  private readonly admit: (socket: Socket) => void;
  private readonly onRefused: (reason: "silent" | "waiting") => void;
  /** Not listened to yet. */
  private readonly unheard = new WaitingLine<Socket>();
  private heard = 0;
  /** Begun to be listened to in this turn. */
  private heardNow = 0;
  /** Oldest first, as the others are. */
  private readonly silent = new Map<Socket, Silence>();
  /** Of each network, those that may say something at any moment. */
  private readonly expected = new Tally<string>();
  private expectedCount = 0;
  private readonly waiting = new WaitingLine<Socket>();
  private readonly inProgress = new Map<Socket, Place>();
  /** Places that each network has. */
  private readonly perNetwork = new Tally<string>();
  private readonly standing = new NetworkStanding();
  private given = 0;
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
    // Known while the connection is open only.
    const network = networkOf(socket.remoteAddress ?? "");
    socket.on("error", () => {}); // a client that gives up while it waits
    socket.once("close", () => this.forget(socket, network));
    this.unheard.add(network, socket);
    this.listen();
    this.turnAway();
  }

  /** A certificate of the mesh came over the connection. */
  proved(socket: Socket): void {
    this.standing.proved(networkOf(socket.remoteAddress ?? ""));
    const place = this.inProgress.get(socket);
    if (place !== undefined) place.proven = true;
  }

  /** The connection has had its first answers, or is to get none: another may come in. */
  settled(socket: Socket): void {
    if (this.leavePlace(socket)) this.next();
  }

  /** Closes everything that was not admitted yet. */
  stop(): void {
    this.cancelLook?.();
    for (const socket of [...this.unheard, ...this.silent.keys(), ...this.waiting]) socket.destroy();
  }

  get counts(): { silent: number; waiting: number; inProgress: number } {
    const waiting = this.unheard.size + this.waiting.size;
    return { silent: this.silent.size, waiting, inProgress: this.inProgress.size };
  }

  /** Listens to the next. */
  private listen(): void {
    const { heardAtOnce, heardInAll, heardPerNetwork } = this.limits;
    while (this.heardNow < heardAtOnce && this.waiting.size + this.expectedCount < heardInAll) {
      const isPlain = this.isPlainTurn(this.heard);
      const next = this.unheard.take((network) => {
        if (this.waiting.sizeOf(network) + this.expected.get(network) >= heardPerNetwork) return undefined;
        return isPlain ? 0 : this.standing.rank(network);
      });
      if (next === undefined) return;
      this.heard += 1;
      this.heardNow += 1;
      if (this.heardNow === 1) setImmediate(() => this.listenAgain());
      this.hear(next.waiter, next.network);
    }
  }

  private listenAgain(): void {
    this.heardNow = 0;
    this.listen();
  }

  private hear(socket: Socket, network: string): void {
    if (this.silent.size >= this.limits.silent) {
      const [oldest] = this.silent.keys();
      if (oldest !== undefined) this.refuse(oldest, "silent");
    }
    const { quietMs, silentMs } = this.limits;
    const silence: Silence = { cancel: () => {}, expected: true };
    silence.cancel = this.clock.after(quietMs, () => {
      this.expectNoMore(silence, network);
      silence.cancel = this.clock.after(silentMs - quietMs, () => this.refuse(socket, "silent"));
      this.listen();
    });
    this.silent.set(socket, silence);
    this.expected.add(network);
    this.expectedCount += 1;
    // Reads the first bytes into the socket's own buffer and no further.
    socket.once("readable", () => this.speak(socket, network));
  }

  private expectNoMore(silence: Silence, network: string): void {
    if (!silence.expected) return;
    silence.expected = false;
    this.expected.remove(network);
    this.expectedCount -= 1;
  }

  /** The connection is not silent any more; false where it was not. */
  private endSilence(socket: Socket, network: string): boolean {
    const silence = this.silent.get(socket);
    if (silence === undefined) return false;
    silence.cancel();
    this.expectNoMore(silence, network);
    return this.silent.delete(socket);
  }

  private speak(socket: Socket, network: string): void {
    if (!this.endSilence(socket, network)) return;
    if (socket.readableLength === 0) {
      socket.destroy(); // it only said good-bye
      return;
    }
    this.waiting.add(network, socket);
    this.next();
    this.turnAway();
  }

  /** Closes one connection where too many wait. */
  private turnAway(): void {
    if (this.unheard.size + this.waiting.size <= this.limits.waiting) return;
    const [last] = [this.unheard.newestOfCrowd(), this.waiting.newestOfCrowd()].sort((a, b) => b.size - a.size);
    if (last?.waiter !== undefined) this.refuse(last.waiter, "waiting");
  }

  private refuse(socket: Socket, reason: "silent" | "waiting"): void {
    this.onRefused(reason);
    socket.destroy();
  }

  private forget(socket: Socket, network: string): void {
    const wasSilent = this.endSilence(socket, network);
    this.unheard.delete(network, socket);
    this.waiting.delete(network, socket);
    this.settled(socket);
    if (wasSilent) this.listen();
  }

  private next(): void {
    while (this.inProgress.size < this.limits.inProgress) {
      const isPlain = this.isPlainTurn(this.given);
      const next = this.waiting.take((network) => {
        if (this.perNetwork.get(network) >= this.limits.perNetwork) return undefined;
        return isPlain ? 0 : this.standing.rank(network);
      });
      if (next === undefined) break;
      this.given += 1;
      const { network, waiter: socket } = next;
      this.inProgress.set(socket, { network, sinceMs: this.clock.monotonic(), moved: moved(socket), proven: false });
      this.perNetwork.add(network);
      this.admit(socket);
    }
    this.listen();
    if (this.waiting.size > 0) this.cancelLook ??= this.clock.after(this.limits.stalledMs, () => this.look());
  }

  private isPlainTurn(count: number): boolean {
    return count % this.limits.plainTurn === this.limits.plainTurn - 1;
  }

  /** Takes the places of those on whose connections nothing moved since the last look, and of those who take long. */
  private look(): void {
    this.cancelLook = undefined;
    const time = this.clock.monotonic();
    const { placeMs, unprovenMs } = this.limits;
    for (const [socket, place] of this.inProgress) {
      const now = moved(socket);
      if (now === place.moved || time - place.sinceMs >= (place.proven ? placeMs : unprovenMs)) {
        if (!place.proven) this.standing.lost(place.network);
        this.leavePlace(socket);
      } else place.moved = now;
    }
    this.next();
  }

  private leavePlace(socket: Socket): boolean {
    const place = this.inProgress.get(socket);
    if (place === undefined) return false;
    this.inProgress.delete(socket);
    this.perNetwork.remove(place.network);
    return true;
  }
}

/** Bytes that went over the connection either way. */
function moved(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten;
}
