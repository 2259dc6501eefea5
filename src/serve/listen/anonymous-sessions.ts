// Sessions of clients without a certificate, who come to show a join token and leave: they get the time, the calls and the
// numbers that this takes, because anybody may open them.
//
// A session whose call has proven its token is never ended for others: from there on a use of the token is spent, and the
// answer must arrive. Every other one may have to go. It is told so by REFUSED_STREAM on its calls, "not tried", so that
// the client may safely try again (RFC 9113, 8.7); that is why it stays a moment longer, for a call that is on its way.

import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { networkOf } from "../../kernel/ip-network.ts";
import { SetMap } from "../../kernel/set-map.ts";

export interface AnonymousLimits {
  /** Sessions in all; over it one is turned away. */
  readonly sessions: number;
  /** Sessions of one network; over it one of them is turned away. */
  readonly perNetwork: number;
  /** A session ends where no call was made, proven and answered for so long, milliseconds. */
  readonly callMs: number;
  /** Where there are too many, a call that is not proven yet goes on undisturbed for so long, milliseconds. */
  readonly undisturbedMs: number;
  /** A session ends where a proven call is not over after so long, milliseconds: longer than clients wait. */
  readonly provenMs: number;
  /** A session that is turned away waits for so long for a call that it can refuse, milliseconds. */
  readonly leavingMs: number;
  /** Calls of a session at one time. */
  readonly openCalls: number;
  /** Calls of a session in all, those refused among them. */
  readonly calls: number;
}

export const anonymousLimits: AnonymousLimits = {
  sessions: 1_024,
  perNetwork: 128,
  callMs: 10_000,
  undisturbedMs: 1_000,
  provenMs: 30_000,
  leavingMs: 1_000,
  openCalls: 4,
  calls: 32,
};

interface Visit {
  readonly network: string;
  calls: number;
  readonly openCalls: Set<ServerHttp2Stream>;
  /** Of the open calls, those that have proven a token. */
  readonly provenCalls: Set<ServerHttp2Stream>;
  /** Start of the last call, monotonic, milliseconds. */
  lastCallMs: number;
  cancelDeadline: Cancel;
}

export class AnonymousSessions {
  private readonly clock: Clock;
  private readonly limits: AnonymousLimits;
  private readonly onEnded: () => void;
  /** Oldest first, as in each network. */
  private readonly visits = new Map<ServerHttp2Session, Visit>();
  private readonly byNetwork = new SetMap<string, ServerHttp2Session>();
  /** Sessions that were turned away and are about to end, oldest first; no more than `limits.sessions`. */
  private readonly leaving = new Map<ServerHttp2Session, Cancel>();

  /** @param options.onEnded told of each session that is ended because of a limit */
  constructor(options: { clock: Clock; onEnded?: () => void; limits?: Partial<AnonymousLimits> }) {
    this.clock = options.clock;
    this.onEnded = options.onEnded ?? (() => {});
    this.limits = { ...anonymousLimits, ...options.limits };
  }

  watch(session: ServerHttp2Session, address: string): void {
    const network = networkOf(address);
    this.visits.set(session, {
      network,
      calls: 0,
      openCalls: new Set(),
      provenCalls: new Set(),
      lastCallMs: 0,
      cancelDeadline: this.deadline(session, this.limits.callMs),
    });
    const neighbours = this.byNetwork.add(network, session);
    session.once("close", () => this.forget(session));
    if (neighbours.size > this.limits.perNetwork) this.turnAway(this.leastOf(neighbours, session));
    else if (this.visits.size > this.limits.sessions) this.turnAway(this.leastOf(this.visits.keys(), session));
  }

  /** Counts a call. Returns false where the session may not make it; then it is over, or its other calls are to end first. */
  begin(session: ServerHttp2Session, stream: ServerHttp2Stream): boolean {
    const visit = this.visits.get(session);
    if (visit === undefined) {
      // Once the refusal is out.
      if (this.leaving.has(session)) stream.once("close", () => setImmediate(() => this.leave(session)));
      return false;
    }
    visit.calls += 1;
    if (visit.calls > this.limits.calls) {
      this.end(session);
      return false;
    }
    if (visit.openCalls.size >= this.limits.openCalls) return false;
    visit.openCalls.add(stream);
    visit.lastCallMs = this.clock.monotonic();
    stream.once("close", () => {
      visit.openCalls.delete(stream);
      visit.provenCalls.delete(stream);
      if (visit.provenCalls.size === 0) this.restart(session, visit, this.limits.callMs);
    });
    return true;
  }

  /**
   * The call has proven a token and is about to use it: its session stays until it is answered.
   *
   * @returns false where the call is over already, or was refused: then nothing may be used
   */
  prove(session: ServerHttp2Session, stream: ServerHttp2Stream): boolean {
    const visit = this.visits.get(session);
    if (visit?.openCalls.has(stream) !== true) return false;
    visit.provenCalls.add(stream);
    this.restart(session, visit, this.limits.provenMs);
    return true;
  }

  get size(): number {
    return this.visits.size;
  }

  private deadline(session: ServerHttp2Session, ms: number): Cancel {
    return this.clock.after(ms, () => {
      const visit = this.visits.get(session);
      if (visit !== undefined && visit.openCalls.size > 0 && visit.provenCalls.size === 0) this.turnAway(session);
      else this.end(session);
    });
  }

  private restart(session: ServerHttp2Session, visit: Visit, ms: number): void {
    if (this.visits.get(session) !== visit) return;
    visit.cancelDeadline();
    visit.cancelDeadline = this.deadline(session, ms);
  }

  /** Whom it costs least: the oldest without a call, then the oldest whose call takes long to be proven, then the newest. */
  private leastOf(sessions: Iterable<ServerHttp2Session>, newest: ServerHttp2Session): ServerHttp2Session {
    const latest = this.clock.monotonic() - this.limits.undisturbedMs;
    let slow: ServerHttp2Session | undefined;
    for (const session of sessions) {
      const visit = this.visits.get(session);
      if (visit === undefined || session === newest) continue;
      if (visit.openCalls.size === 0) return session;
      if (visit.provenCalls.size === 0 && visit.lastCallMs <= latest) slow ??= session;
    }
    return slow ?? newest;
  }

  private turnAway(session: ServerHttp2Session): void {
    const open = [...(this.visits.get(session)?.openCalls ?? [])];
    this.onEnded();
    this.forget(session);
    const [oldest] = this.leaving.size < this.limits.sessions ? [] : this.leaving.keys();
    if (oldest !== undefined) this.leave(oldest);
    this.leaving.set(
      session,
      this.clock.after(this.limits.leavingMs, () => this.leave(session)),
    );
    for (const stream of open) {
      stream.once("close", () => setImmediate(() => this.leave(session)));
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    }
  }

  private leave(session: ServerHttp2Session): void {
    this.forget(session);
    session.destroy();
  }

  private end(session: ServerHttp2Session): void {
    this.onEnded();
    this.leave(session);
  }

  private forget(session: ServerHttp2Session): void {
    this.leaving.get(session)?.();
    this.leaving.delete(session);
    const visit = this.visits.get(session);
    if (visit === undefined) return;
    visit.cancelDeadline();
    this.visits.delete(session);
    this.byNetwork.delete(visit.network, session);
  }
}
