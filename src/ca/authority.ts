// The certificate authority of the mesh: gives identities that others have proven, and the control plane its own
// certificates.
//
// Three scopes that cannot pass for each other. Workloads are issued below the mesh's root with one SPIFFE id. The
// control plane's server certificates are below the same root, without any id. API users are issued by an authority of
// their own, which only the API trusts.

import { issueCertificate, serialNumber } from "../identity/certificate.ts";
import { type CertificateInfo, readCertificate } from "../identity/certificate-info.ts";
import { clientProfile, serverProfile, workloadProfile } from "../identity/certificate-profile.ts";
import type { CertificateRequest } from "../identity/certificate-request.ts";
import { encodePem } from "../identity/pem.ts";
import { publicKeyPin, readPublicKey } from "../identity/public-key.ts";
import { type SpiffeId, trustDomainOf, workloadOf } from "../identity/spiffe-id.ts";
import type { TrustDomain } from "../identity/trust-domain.ts";
import { hex } from "../kernel/bytes.ts";
import type { Cancel, Clock } from "../kernel/clock.ts";
import { describeError, LateenError } from "../kernel/error.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";
import type { Log } from "../kernel/log.ts";
import { Metrics } from "../kernel/metric.ts";
import type { Random } from "../kernel/random.ts";
import type { Secret } from "../kernel/secret.ts";
import {
  type Authorities,
  type AuthorityFolderOptions,
  openAuthorityFolder,
  renewIssuing,
} from "./authority-folder.ts";
import { type CaMetrics, caMetrics } from "./ca-metrics.ts";
import { caErrors } from "./errors.ts";
import type { IssuingAuthority } from "./issuing-authority.ts";
import { generateP256 } from "./key-pair.ts";
import { backdateOf, grantLifetime } from "./lifetime.ts";
import { acceptRequest } from "./request-policy.ts";
import type { ServerNames } from "./server-names.ts";

export interface AuthorityOptions {
  /** The folder `ca` is made in it. */
  dataFolder: string;
  trustDomain: TrustDomain;
  clock: Clock;
  random: Random;
  log: Log;
  metrics?: Metrics;
  /** Lifetime of a workload's certificate where the request names no shorter one, milliseconds; default 24 hours. */
  workloadLifetimeMs?: number;
  /** Effective user of this process, to whom the keys must belong. */
  uid?: number | undefined;
}

export interface IssuedCertificate {
  /** PEM blocks, each with a newline at its end: the leaf, then the issuing authority. */
  readonly chain: readonly string[];
  /** PEM of the roots that verify the chain. */
  readonly roots: string;
  /** Hex. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface KeyedCertificate extends IssuedCertificate {
  /** PKCS#8 PEM. */
  readonly key: Secret<string>;
}

/** A request that was read and proven, with the lifetime that will be granted. */
export interface AcceptedRequest {
  readonly request: CertificateRequest;
  readonly lifetimeMs: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const serverLifetimeMs = 90 * dayMs;
const adminLifetimeMs = 365 * dayMs;
/** Istio's root check. */
const checkIntervalMs = hourMs;
/** Share of the root's life left at which the log warns; Istio's grace period for rotation. */
const rootWarningShare = 0.2;
/** Kubernetes' group of administrators. */
const adminGroup = "system:masters";

/**
 * Opens the authority of a data folder, making it at the first start.
 *
 * @throws LateenError LAT3101, LAT3102 or LAT3103
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const folder = { ...options, uid: options.uid };
  return new Authority(folder, await openAuthorityFolder(folder), caMetrics(options.metrics ?? new Metrics()));
}

export class Authority implements Stoppable {
  readonly trustDomain: TrustDomain;
  readonly metrics: CaMetrics;
  private readonly options: AuthorityFolderOptions & Pick<AuthorityOptions, "workloadLifetimeMs">;
  private readonly rootInfo: CertificateInfo;
  private readonly rootPem: string;
  private authorities: Authorities;
  private readonly cancelCheck: Cancel;
  private renewal: Promise<void> | undefined;

  constructor(
    options: AuthorityFolderOptions & Pick<AuthorityOptions, "workloadLifetimeMs">,
    authorities: Authorities,
    metrics: CaMetrics,
  ) {
    this.trustDomain = options.trustDomain;
    this.metrics = metrics;
    this.options = options;
    this.authorities = authorities;
    this.rootInfo = readCertificate(authorities.root);
    this.rootPem = encodePem("CERTIFICATE", authorities.root);
    this.cancelCheck = options.clock.every(checkIntervalMs, () => this.check());
    this.check();
  }

  /** PEM of every root that workloads and the control plane's server are verified with. */
  roots(): string {
    return this.rootPem;
  }

  /** SHA-256 of the root's public key, as join tokens carry it. */
  pin(): string {
    return publicKeyPin(this.rootInfo.publicKey);
  }

  /** PEM of the authority of API users: what the API verifies client certificates with, and nothing else. */
  apiRoots(): string {
    return this.authorities.api.pem;
  }

  /**
   * Checks everything about a request that does not hang on who sends it, so that a proof that can be used once is not
   * spent on a request that cannot succeed.
   *
   * @param requestedSeconds lifetime; 0 and less, or more than `workloadLifetimeMs`, means that
   * @throws LateenError LAT3003 to LAT3006, LAT3104 or LAT3105
   */
  async acceptRequest(csrPem: string, requestedSeconds = 0n): Promise<AcceptedRequest> {
    this.metrics.requests.inc();
    try {
      const lifetimeMs = grantLifetime(requestedSeconds, this.options.workloadLifetimeMs);
      return { request: await acceptRequest(csrPem, this.ownKeys()), lifetimeMs };
    } catch (error) {
      this.metrics.unreadableRequests.inc();
      throw error;
    }
  }

  /**
   * Issues a workload's certificate. The id is the caller's proof; nothing in the request has a say.
   *
   * @throws LateenError LAT3103 or LAT3106
   */
  async signAccepted(accepted: AcceptedRequest, id: SpiffeId): Promise<IssuedCertificate> {
    if (trustDomainOf(id) !== this.trustDomain || workloadOf(id) === undefined) {
      this.metrics.identityFailures.inc();
      throw caErrors.identityRefused(`${id} is not a workload of the trust domain ${this.trustDomain}`);
    }
    const { publicKey, key } = accepted.request;
    try {
      const order = { profile: workloadProfile(id, key), publicKey, lifetimeMs: accepted.lifetimeMs };
      const issued = await this.issue(order, this.authorities.issuing);
      this.metrics.issued.inc();
      return { ...issued, roots: this.rootPem };
    } catch (error) {
      this.metrics.signingFailures.inc({ error: error instanceof LateenError ? error.code : "other" });
      throw error;
    }
  }

  /**
   * Checks a request and issues a certificate for an id that was proven.
   *
   * @param requestedSeconds lifetime; 0 and less, or more than `workloadLifetimeMs`, means that
   * @throws LateenError LAT3003 to LAT3006, LAT3103 to LAT3106
   */
  async signWorkload(csrPem: string, id: SpiffeId, requestedSeconds = 0n): Promise<IssuedCertificate> {
    return this.signAccepted(await this.acceptRequest(csrPem, requestedSeconds), id);
  }

  /**
   * Makes a key and a certificate for the control plane's listeners, good for 90 days. The chain goes up to the root, so
   * that a machine with a join token finds the root by its pin in the handshake.
   */
  async signServer(names: ServerNames): Promise<KeyedCertificate> {
    const key = await generateP256();
    const { publicKey } = key.signer;
    const profile = serverProfile(names.dnsNames[0] ?? "lateen", names, readPublicKey(publicKey));
    const order = { profile, publicKey, lifetimeMs: serverLifetimeMs };
    const issued = await this.issue(order, this.authorities.issuing);
    return { ...issued, chain: [...issued.chain, this.rootPem], roots: this.rootPem, key: key.pem };
  }

  /** Makes a key and a client certificate for the API's administrator, good for a year. */
  async signAdmin(): Promise<KeyedCertificate> {
    const key = await generateP256();
    const { publicKey } = key.signer;
    const user = { commonName: "lateen-admin", organization: adminGroup };
    const order = { profile: clientProfile(user, readPublicKey(publicKey)), publicKey, lifetimeMs: adminLifetimeMs };
    const { api } = this.authorities;
    const issued = await this.issue(order, api);
    return { ...issued, chain: issued.chain.slice(0, 1), roots: api.pem, key: key.pem };
  }

  async stop(): Promise<void> {
    this.cancelCheck();
    await this.renewal;
  }

  private async issue(
    order: { profile: ReturnType<typeof clientProfile>; publicKey: Uint8Array; lifetimeMs: number },
    issuer: IssuingAuthority,
  ): Promise<Omit<IssuedCertificate, "roots">> {
    const { clock, random } = this.options;
    const now = clock.now();
    if (issuer.certificate.notAfterMs <= now) {
      throw caErrors.authorityExpired(`the certificate of ${issuer.certificate.subject} has expired`);
    }
    const { profile, publicKey, lifetimeMs } = order;
    const serial = serialNumber(random.bytes(16));
    const notBeforeMs = now - backdateOf(lifetimeMs);
    const notAfterMs = Math.min(now + lifetimeMs, issuer.certificate.notAfterMs);
    const der = await issueCertificate({ profile, publicKey, serial, notBeforeMs, notAfterMs }, issuer);
    const chain = [encodePem("CERTIFICATE", der), issuer.pem];
    return { chain, serial: hex(serial), notBeforeMs, notAfterMs };
  }

  private ownKeys(): Uint8Array[] {
    const { issuing, api } = this.authorities;
    return [this.rootInfo.publicKey, issuing.signer.publicKey, api.signer.publicKey];
  }

  /** Renews the issuing authority in the second half of its life, and says when the root nears its end. */
  private check(): void {
    const { clock, log } = this.options;
    const now = clock.now();
    const { notBeforeMs, notAfterMs } = this.rootInfo;
    this.publishExpiry(now);
    if (notAfterMs - now < (notAfterMs - notBeforeMs) * rootWarningShare) {
      log.warn("the root certificate nears its end", { notAfter: new Date(notAfterMs).toISOString() });
    }
    const issuing = this.authorities.issuing.certificate;
    if (now < (issuing.notBeforeMs + issuing.notAfterMs) / 2 || this.renewal !== undefined) return;
    this.renewal = renewIssuing(this.authorities, this.options)
      .then((renewed) => {
        this.authorities = { ...this.authorities, issuing: renewed };
        this.publishExpiry(clock.now());
      })
      .catch((error: unknown) => {
        // The present one goes on; the next check tries again.
        log.error("the issuing certificate could not be renewed", { error: describeError(error) });
      })
      .finally(() => {
        this.renewal = undefined;
      });
  }

  private publishExpiry(nowMs: number): void {
    const chainEndMs = this.authorities.issuing.certificate.notAfterMs;
    this.metrics.rootExpiryTimestamp.set(this.rootInfo.notAfterMs / 1000);
    this.metrics.rootExpirySeconds.set((this.rootInfo.notAfterMs - nowMs) / 1000);
    this.metrics.chainExpiryTimestamp.set(chainEndMs / 1000);
    this.metrics.chainExpirySeconds.set((chainEndMs - nowMs) / 1000);
  }
}
