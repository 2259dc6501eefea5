// Finds connections whose other end is gone without a word: a ping every 3 s, and 3 s for its answer (F22).
import type { Http2Session } from "node:http2";
import type { Cancel, Clock } from "../../kernel/clock.ts";

/** Interval of pings, milliseconds; also the time an answer may take on an idle connection. */
const intervalMs = 3_000;
/**
 * A ping waits behind what was written before it. That is granted the time a link of 64 kbit/s needs, so that slow links
 * are not cut while they carry a large response.
 */
const slowestBytesPerMs = 8;
/** Bytes that even such a link carries within the ordinary time. */
const freeBytes = intervalMs * slowestBytesPerMs;
/** No answer may take longer than this, whatever was written before, milliseconds. */
const longestMs = 60_000;

interface Watched {
  /** Undefined where no answer is owed. */
  ping: { sentAtMs: number; patienceMs: number } | undefined;
  /** Bytes written when the last ping that was answered was sent. */
  writtenAtAnswer: number;
  /** Bytes read at the last look, and when they had become more. */
  read: number;
  heardAtMs: number;
}

export class SessionPings {
  private readonly clock: Clock;
  private readonly watched = new Map<Http2Session, Watched>();
  private readonly cancel: Cancel;
  private lookedAtMs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.lookedAtMs = clock.monotonic();
    this.cancel = clock.every(intervalMs, () => this.tick());
  }

  /** Destroys the session once its other end is found gone. */
  watch(session: Http2Session): void {
    if (session.destroyed || this.watched.has(session)) return;
    const now = this.clock.monotonic();
    this.watched.set(session, { ping: undefined, writtenAtAnswer: 0, read: 0, heardAtMs: now });
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
    const late = now - this.lookedAtMs > intervalMs * 1.5;
    this.lookedAtMs = now;
    for (const [session, watched] of this.watched) {
      if (session.destroyed || session.socket === undefined) continue;
      const { bytesRead, bytesWritten } = session.socket;
      // When this process was stopped or busy, answers may lie unread: nobody is dead until the next look.
      if (bytesRead !== watched.read || late) {
        watched.read = bytesRead;
        watched.heardAtMs = now;
      }
      if (watched.ping === undefined) this.ping(session, watched, bytesWritten);
      else if (now - Math.max(watched.ping.sentAtMs, watched.heardAtMs) >= watched.ping.patienceMs) session.destroy();
    }
  }

  private ping(session: Http2Session, watched: Watched, bytesWritten: number): void {
    const ahead = bytesWritten - watched.writtenAtAnswer;
    const patienceMs = Math.min(longestMs, intervalMs + Math.max(0, ahead - freeBytes) / slowestBytesPerMs);
    watched.ping = { sentAtMs: this.clock.monotonic(), patienceMs };
    session.ping((error) => {
      if (error !== null) return; // the session is going down
      watched.ping = undefined;
      watched.writtenAtAnswer = bytesWritten;
    });
  }
}
