// Notices a connection that died without a word: a cable pulled, a NAT entry lost, a peer that froze.
import type { ClientHttp2Session } from "node:http2";
import type { Cancel, Clock } from "../../kernel/clock.ts";

/** Lateen's control plane pings every 3 s; two pings missed mean that it is gone. Milliseconds without a byte. */
export const silentLimitMs = 6_000;
/** How often a server that does not ping is pinged, milliseconds; istiod closes connections that ping more often. */
export const pingIntervalMs = 30_000;
/** How long it may take to answer, milliseconds. */
export const pingTimeoutMs = 10_000;
/** How often the silence is measured, milliseconds. */
const checkIntervalMs = 1_000;

export interface LivenessOptions {
  session: ClientHttp2Session;
  clock: Clock;
  /** True where the server is known to ping; else that is learnt from its first ping. */
  serverPings: boolean;
  /** Called once, when the connection must be taken for dead. */
  onDead(silentMs: number): void;
}

/** Watches one session; `activity` must be called when headers or data arrive. */
export class Liveness {
  private readonly options: LivenessOptions;
  private readonly cancelCheck: Cancel;
  private serverPings: boolean;
  private lastMs: number;
  private pingedMs: number;

  constructor(options: LivenessOptions) {
    const { session, clock } = options;
    this.options = options;
    this.serverPings = options.serverPings;
    this.lastMs = clock.monotonic();
    this.pingedMs = this.lastMs;
    session.on("ping", () => {
      this.serverPings = true;
      this.activity();
    });
    this.cancelCheck = clock.every(checkIntervalMs, () => this.check());
  }

  activity(): void {
    this.lastMs = this.options.clock.monotonic();
  }

  stop(): void {
    this.cancelCheck();
  }

  private check(): void {
    const { clock, session } = this.options;
    const now = clock.monotonic();
    const silentMs = now - this.lastMs;
    if (silentMs >= (this.serverPings ? silentLimitMs : pingIntervalMs + pingTimeoutMs)) {
      this.stop();
      this.options.onDead(silentMs);
    } else if (!this.serverPings && now - this.pingedMs >= pingIntervalMs && !session.destroyed) {
      this.pingedMs = now;
      session.ping((error) => {
        if (error === null) this.activity();
      });
    }
  }
}
