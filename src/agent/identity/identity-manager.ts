// Keeps the machine's certificate valid: first proof, renewal in time, and what happens when it cannot be renewed.
import { createCertificateRequest } from "../../identity/certificate-request.ts";
import { Backoff } from "../../kernel/backoff.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import { sha256Hex } from "../../kernel/hash.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";
import type { Random } from "../../kernel/random.ts";
import { agentErrors } from "../errors.ts";
import { createKeyPair } from "./key-pair.ts";
import { assembleIdentity, type IssuedCertificate, type MachineIdentity } from "./machine-identity.ts";
import { machineShare, type RenewalPolicy, renewalTime } from "./renewal-time.ts";

export type IdentityState =
  | { readonly kind: "none" }
  | { readonly kind: "joining" }
  /** The certificate is in force and rests until `renewAtMs` (milliseconds since 1970). */
  | { readonly kind: "valid"; readonly identity: MachineIdentity; readonly renewAtMs: number }
  /** In force; a new one is being asked for, for the `attempt`th time. */
  | { readonly kind: "renewing"; readonly identity: MachineIdentity; readonly attempt: number }
  /** No longer in force; still asked for, should the control plane have a rule for it. */
  | { readonly kind: "expired"; readonly identity: MachineIdentity; readonly attempt: number };

export interface IdentityManagerOptions {
  /** Names this machine among others; renewals are spread by it. */
  machineId: () => string;
  /** Asks the control plane for a certificate, proving the present identity. */
  renew: (csr: string, present: MachineIdentity) => Promise<IssuedCertificate>;
  /** Keeps a new identity for the next start; called before it is used. */
  save: (identity: MachineIdentity) => Promise<void>;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  policy?: RenewalPolicy;
}

/** First and longest wait after a failed renewal, milliseconds (upper bounds; the wait is random below them). */
const retry = { firstMs: 5_000, maxMs: 60_000 };
/**
 * How often the wall clock is looked at, milliseconds. Timers stand still while a machine sleeps, and a clock that is set has
 * no event.
 */
export const wallCheckMs = 30_000;

export class IdentityManager implements Stoppable {
  private readonly options: IdentityManagerOptions;
  private readonly backoff: Backoff;
  private readonly listeners = new Set<(identity: MachineIdentity) => void>();
  private readonly requests: Counter<"request_type">;
  private readonly failures: Counter<"request_type">;
  private readonly expiry: Gauge<"resource_name">;
  private current: IdentityState = { kind: "none" };
  private cancelTimer: Cancel | undefined;
  private readonly cancelWallCheck: Cancel;
  private renewal: Promise<void> | undefined;
  private stopped = false;

  constructor(options: IdentityManagerOptions) {
    this.options = options;
    this.backoff = new Backoff(retry, options.random);
    const { metrics } = options;
    this.requests = metrics.counter("num_outgoing_requests", "Requests for certificates.", ["request_type"]);
    this.failures = metrics.counter("num_failed_outgoing_requests", "Failed requests for certificates.", [
      "request_type",
    ]);
    this.expiry = metrics.gauge("cert_expiry_seconds", "Seconds until the certificate expires.", ["resource_name"]);
    this.cancelWallCheck = options.clock.every(wallCheckMs, () => this.checkWall());
  }

  get state(): IdentityState {
    return this.current;
  }

  /** The identity in hand, in force or expired. */
  get identity(): MachineIdentity | undefined {
    return "identity" in this.current ? this.current.identity : undefined;
  }

  /** Tells about each new identity, also the first; returns the end of it. */
  onChange(listener: (identity: MachineIdentity) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Takes an identity of an earlier run. An expired one is kept too: the control plane may still accept it. */
  restore(identity: MachineIdentity): void {
    this.adopt(identity);
  }

  /**
   * Makes a key and asks for the first certificate.
   *
   * @param issue sends the request with a proof, such as a join token
   * @throws LateenError what `issue` throws, or LAT3306
   */
  async join(issue: (csr: string) => Promise<IssuedCertificate>): Promise<MachineIdentity> {
    this.current = { kind: "joining" };
    try {
      const identity = await this.request(issue);
      await this.options.save(identity);
      this.adopt(identity);
      return identity;
    } catch (error) {
      this.current = { kind: "none" };
      throw error;
    }
  }

  /** Asks for a new certificate now. Resolves when the attempt is over, whether it succeeded or not. */
  renewNow(): Promise<void> {
    if (this.stopped || this.identity === undefined) return Promise.resolve();
    this.renewal ??= this.renew().finally(() => {
      this.renewal = undefined;
    });
    return this.renewal;
  }

  /** Resolves when no attempt is under way. */
  async idle(): Promise<void> {
    await this.renewal;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelWallCheck();
    this.cancelTimer?.();
    await this.renewal;
  }

  private async request(issue: (csr: string) => Promise<IssuedCertificate>): Promise<MachineIdentity> {
    const { signer, privateKey } = await createKeyPair();
    this.requests.inc({ request_type: "csr" });
    try {
      return assembleIdentity(await issue(await createCertificateRequest(signer)), privateKey);
    } catch (error) {
      this.failures.inc({ request_type: "csr" });
      throw error;
    }
  }

  private adopt(identity: MachineIdentity): void {
    const { clock, random, policy, machineId } = this.options;
    const renewAtMs = renewalTime(identity, machineShare(sha256Hex(machineId())), random.fraction(), policy);
    this.current =
      clock.now() < identity.notAfterMs
        ? { kind: "valid", identity, renewAtMs }
        : { kind: "expired", identity, attempt: 0 };
    this.reportExpiry();
    for (const listener of this.listeners) listener(identity);
    this.arm(Math.max(0, renewAtMs - clock.now()));
  }

  private arm(delayMs: number): void {
    this.cancelTimer?.();
    if (!this.stopped) this.cancelTimer = this.options.clock.after(delayMs, () => void this.renewNow());
  }

  private async renew(): Promise<void> {
    const { log, clock } = this.options;
    const present = this.identity;
    if (present === undefined) return;
    this.cancelTimer?.();
    const attempt = "attempt" in this.current ? this.current.attempt + 1 : 1;
    this.current = { kind: this.hasExpired(present) ? "expired" : "renewing", identity: present, attempt };
    try {
      const identity = await this.request((csr) => this.options.renew(csr, present));
      if (identity.spiffeId !== present.spiffeId) {
        throw agentErrors.badIdentity(`asked for ${present.spiffeId}, got ${identity.spiffeId}`);
      }
      await this.options.save(identity).catch((error: unknown) => {
        log.error("the renewed identity could not be kept on the disk", { error: describeError(error) });
      });
      if (this.stopped) return;
      this.backoff.reset();
      log.info("renewed the certificate", {
        id: identity.spiffeId,
        notAfter: new Date(identity.notAfterMs).toISOString(),
      });
      this.adopt(identity);
    } catch (error) {
      const delayMs = this.backoff.next();
      const failure = this.hasExpired(present)
        ? agentErrors.identityExpired(`the certificate of ${present.spiffeId} has expired`, { cause: error })
        : agentErrors.renewalFailed(`the certificate of ${present.spiffeId} was not renewed`, { cause: error });
      log.warn(describeError(failure), {
        code: failure.code,
        remedy: failure.remedy,
        attempt,
        secondsLeft: Math.round((present.notAfterMs - clock.now()) / 1000),
        retryInMs: Math.round(delayMs),
      });
      this.arm(delayMs);
    }
  }

  private hasExpired(identity: MachineIdentity): boolean {
    return this.options.clock.now() >= identity.notAfterMs;
  }

  private checkWall(): void {
    this.reportExpiry();
    const state = this.current;
    if (state.kind === "valid" && this.options.clock.now() >= state.renewAtMs) {
      // The machine slept, or its clock was set; others may have woken with it.
      this.arm(this.options.random.fraction() * retry.firstMs);
      this.current = { ...state, renewAtMs: Number.POSITIVE_INFINITY };
    } else if (state.kind === "renewing" && this.hasExpired(state.identity)) {
      this.current = { ...state, kind: "expired" };
    }
  }

  private reportExpiry(): void {
    const identity = this.identity;
    if (identity === undefined) return;
    this.expiry.set({ resource_name: "default" }, (identity.notAfterMs - this.options.clock.now()) / 1000);
  }
}
