// Sessions of clients without a certificate, who come to show a join token and leave: they get the time, the calls and the
// numbers that this takes, because anybody may open them.
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { networkOf } from "../../kernel/ip-network.ts";

export interface AnonymousLimits {
  /** Sessions in all; over it the oldest ends. */
  readonly sessions: number;
  /** Sessions of one network; over it the oldest of them ends. */
  readonly perNetwork: number;
  /** A session ends where no call was made and answered for so long, milliseconds. */
  readonly callMs: number;
  /** Calls of a session at one time. */
  readonly openCalls: number;
  /** Calls of a session in all, those refused among them. */
  readonly calls: number;
}

export const anonymousLimits: AnonymousLimits = {
  sessions: 1_024,
  perNetwork: 128,
  callMs: 10_000,
  openCalls: 4,
  calls: 32,
};

interface Visit {
  readonly network: string;
  calls: number;
  openCalls: number;
  cancelDeadline: Cancel;
}

export class AnonymousSessions {
  private readonly clock: Clock;
  private readonly limits: AnonymousLimits;
  private readonly onEnded: () => void;
  /** Oldest first, as in each network. */
  private readonly visits = new Map<ServerHttp2Session, Visit>();
  private readonly byNetwork = new Map<string, Set<ServerHttp2Session>>();

  /** @param options.onEnded told of each session that is ended because of a limit */
  constructor(options: { clock: Clock; onEnded?: () => void; limits?: Partial<AnonymousLimits> }) {
    this.clock = options.clock;
    this.onEnded = options.onEnded ?? (() => {});
    this.limits = { ...anonymousLimits, ...options.limits };
  }

  watch(session: ServerHttp2Session, address: string): void {
    const network = networkOf(address);
    this.visits.set(session, { network, calls: 0, openCalls: 0, cancelDeadline: this.deadline(session) });
    const neighbours = this.byNetwork.get(network) ?? new Set();
    this.byNetwork.set(network, neighbours.add(session));
    session.once("close", () => this.forget(session));
    if (neighbours.size > this.limits.perNetwork) this.endFirst(neighbours);
    else if (this.visits.size > this.limits.sessions) this.endFirst(this.visits.keys());
  }

  /** Counts a call. Returns false where the session may not make it; then it is over, or its other calls are to end first. */
  begin(session: ServerHttp2Session, stream: ServerHttp2Stream): boolean {
    const visit = this.visits.get(session);
    if (visit === undefined) return false;
    visit.calls += 1;
    if (visit.calls > this.limits.calls) {
      this.end(session);
      return false;
    }
    if (visit.openCalls >= this.limits.openCalls) return false;
    visit.openCalls += 1;
    stream.once("close", () => {
      visit.openCalls -= 1;
      if (!this.visits.has(session)) return;
      visit.cancelDeadline();
      visit.cancelDeadline = this.deadline(session);
    });
    return true;
  }

  get size(): number {
    return this.visits.size;
  }

  private deadline(session: ServerHttp2Session): Cancel {
    return this.clock.after(this.limits.callMs, () => this.end(session));
  }

  private endFirst(sessions: Iterable<ServerHttp2Session>): void {
    for (const session of sessions) {
      this.end(session);
      return;
    }
  }

  private end(session: ServerHttp2Session): void {
    this.onEnded();
    this.forget(session);
    session.destroy();
  }

  private forget(session: ServerHttp2Session): void {
    const visit = this.visits.get(session);
    if (visit === undefined) return;
    visit.cancelDeadline();
    this.visits.delete(session);
    const neighbours = this.byNetwork.get(visit.network);
    neighbours?.delete(session);
    if (neighbours?.size === 0) this.byNetwork.delete(visit.network);
  }
}
