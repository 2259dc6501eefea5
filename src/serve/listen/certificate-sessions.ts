// Sessions of clients with a certificate. One certificate is one machine, which has a session for ADS and now and then one
// for a call; more are closed, and so is who asks for nothing, so that one machine's key cannot fill the port.

import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { SetMap } from "../../kernel/set-map.ts";
import { Tally } from "../../kernel/tally.ts";
import type { Peer } from "../peer.ts";

export interface CertificateLimits {
  /** Sessions of one certificate; over it the oldest without an open stream ends, or where all have one the oldest. */
  readonly perCertificate: number;
  /** Sessions of one SPIFFE id; over it the newest ends. */
  readonly perIdentity: number;
  /** A session without an open stream ends after so long, milliseconds. */
  readonly idleMs: number;
}

export const certificateLimits: CertificateLimits = { perCertificate: 16, perIdentity: 10_000, idleMs: 30_000 };

type VerifiedPeer = Extract<Peer, { kind: "verified" }>;

interface Entry {
  readonly certificate: string;
  readonly identity: string;
  openStreams: number;
  cancelIdle: Cancel;
}

export class CertificateSessions {
  private readonly clock: Clock;
  private readonly limits: CertificateLimits;
  private readonly onEnded: () => void;
  private readonly entries = new Map<ServerHttp2Session, Entry>();
  /** By serial number, oldest first. */
  private readonly byCertificate = new SetMap<string, ServerHttp2Session>();
  /** Sessions of each SPIFFE id. */
  private readonly perIdentity = new Tally<string>();

  /** @param options.onEnded told of each session that is ended because of a limit */
  constructor(options: { clock: Clock; onEnded?: () => void; limits?: Partial<CertificateLimits> }) {
    this.clock = options.clock;
    this.onEnded = options.onEnded ?? (() => {});
    this.limits = { ...certificateLimits, ...options.limits };
  }

  watch(session: ServerHttp2Session, peer: VerifiedPeer): void {
    const certificate = peer.serialNumber;
    const identity = peer.identities[0] ?? "";
    this.entries.set(session, { certificate, identity, openStreams: 0, cancelIdle: this.idle(session) });
    const siblings = this.byCertificate.add(certificate, session);
    const ofIdentity = this.perIdentity.add(identity);
    session.once("close", () => this.forget(session));
    if (siblings.size > this.limits.perCertificate) this.end(this.leastOf(siblings, session));
    else if (ofIdentity > this.limits.perIdentity) this.end(session);
  }

  /** The session has one more open stream. */
  begin(session: ServerHttp2Session, stream: ServerHttp2Stream): void {
    const entry = this.entries.get(session);
    if (entry === undefined) return;
    entry.openStreams += 1;
    entry.cancelIdle();
    stream.once("close", () => {
      entry.openStreams -= 1;
      if (entry.openStreams === 0 && this.entries.has(session)) entry.cancelIdle = this.idle(session);
    });
  }

  private idle(session: ServerHttp2Session): Cancel {
    return this.clock.after(this.limits.idleMs, () => this.end(session));
  }

  private leastOf(siblings: ReadonlySet<ServerHttp2Session>, newest: ServerHttp2Session): ServerHttp2Session {
    let oldest: ServerHttp2Session | undefined;
    for (const session of siblings) {
      if (session === newest) continue;
      if (this.entries.get(session)?.openStreams === 0) return session;
      oldest ??= session;
    }
    return oldest ?? newest;
  }

  private end(session: ServerHttp2Session): void {
    this.onEnded();
    this.forget(session);
    session.destroy();
  }

  private forget(session: ServerHttp2Session): void {
    const entry = this.entries.get(session);
    if (entry === undefined) return;
    entry.cancelIdle();
    this.entries.delete(session);
    this.byCertificate.delete(entry.certificate, session);
    this.perIdentity.remove(entry.identity);
  }
}
