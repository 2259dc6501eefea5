// Finds connections whose other end is gone without a word: a ping every 3 s, and 3 s for its answer (F22). A program that
// is merely busy or stopped is told apart by its kernel, which still acknowledges, and gets a minute (F13).
import type { Http2Session } from "node:http2";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { type TcpEnds, type UnacknowledgedBytes, unacknowledgedBytes } from "./tcp-queue.ts";

/** Interval of pings, milliseconds; also the time an answer may take on an idle connection. */
const intervalMs = 3_000;
/**
 * A ping waits behind what was written before it. That is granted the time a link of 64 kbit/s needs, so that slow links
 * are not cut while they carry a large response.
 */
const slowestBytesPerMs = 8;
/** Bytes that even such a link carries within the ordinary time. */
const freeBytes = intervalMs * slowestBytesPerMs;
/** No answer may take longer than this, whatever the reason, milliseconds. */
const longestMs = 60_000;

interface Watched {
  /** The oldest ping without an answer; undefined where none is owed. */
  owedSinceMs: number | undefined;
  lastPingAtMs: number;
  /** Bytes written when the last ping that was answered was sent. */
  writtenAtAnswer: number;
  /** Bytes read at the last look, and when they had become more. */
  read: number;
  heardAtMs: number;
}

export class SessionPings {
  private readonly clock: Clock;
  private readonly unacknowledged: UnacknowledgedBytes;
  private readonly watched = new Map<Http2Session, Watched>();
  private readonly cancel: Cancel;
  private lookedAtMs: number;
  private examining: Promise<void> | undefined;

  constructor(clock: Clock, unacknowledged: UnacknowledgedBytes = unacknowledgedBytes) {
    this.clock = clock;
    this.unacknowledged = unacknowledged;
    this.lookedAtMs = clock.monotonic();
    this.cancel = clock.every(intervalMs, () => this.tick());
  }

  /** Destroys the session once its other end is found gone. */
  watch(session: Http2Session): void {
    if (session.destroyed || this.watched.has(session)) return;
    const now = this.clock.monotonic();
    this.watched.set(session, {
      owedSinceMs: undefined,
      lastPingAtMs: now,
      writtenAtAnswer: 0,
      read: 0,
      heardAtMs: now,
    });
    session.once("close", () => this.watched.delete(session));
  }

  get size(): number {
    return this.watched.size;
  }

  stop(): void {
    this.cancel();
    this.watched.clear();
  }

  private tick(): void {
    const now = this.clock.monotonic();
    // When this process was stopped or busy, answers may lie unread: nobody is dead until the next look.
    const late = now - this.lookedAtMs > intervalMs * 1.5;
    this.lookedAtMs = now;
    const overdue: Http2Session[] = [];
    for (const [session, watched] of this.watched) {
      if (session.destroyed || session.socket === undefined) continue;
      const { bytesRead } = session.socket;
      if (bytesRead !== watched.read || late) {
        watched.read = bytesRead;
        watched.heardAtMs = now;
      }
      if (watched.owedSinceMs === undefined) this.ping(session, watched);
      else if (now - Math.max(watched.lastPingAtMs, watched.heardAtMs) >= intervalMs) overdue.push(session);
    }
    if (overdue.length > 0) {
      this.examining ??= this.examine(overdue).finally(() => {
        this.examining = undefined;
      });
    }
  }

  private async examine(sessions: readonly Http2Session[]): Promise<void> {
    const ends = sessions.map(endsOf);
    const queues = await this.unacknowledged(ends);
    for (const [index, session] of sessions.entries()) {
      const watched = this.watched.get(session);
      if (watched?.owedSinceMs === undefined || session.destroyed) continue;
      const owedMs = this.clock.monotonic() - watched.owedSinceMs;
      if (queues[index] === 0 && owedMs < longestMs) this.ping(session, watched);
      else if (owedMs >= patienceMs(session, watched)) session.destroy();
    }
  }

  private ping(session: Http2Session, watched: Watched): void {
    const now = this.clock.monotonic();
    const written = session.socket.bytesWritten;
    watched.owedSinceMs ??= now;
    watched.lastPingAtMs = now;
    session.ping((error) => {
      if (error !== null) return; // the session is going down
      watched.owedSinceMs = undefined;
      watched.writtenAtAnswer = written;
    });
  }
}

/** How long the answer may take while what was written is not acknowledged. */
function patienceMs(session: Http2Session, watched: Watched): number {
  const unanswered = session.socket.bytesWritten - watched.writtenAtAnswer;
  return Math.min(longestMs, intervalMs + Math.max(0, unanswered - freeBytes) / slowestBytesPerMs);
}

function endsOf(session: Http2Session): TcpEnds {
  const { localPort = 0, remoteAddress = "", remotePort = 0 } = session.socket;
  return { localPort, remoteAddress, remotePort };
}
