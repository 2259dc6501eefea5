// How long a workload's certificate lives.
import { caErrors } from "./errors.ts";

/** Istio's DEFAULT_WORKLOAD_CERT_TTL, milliseconds. */
export const defaultLifetimeMs = 24 * 3_600_000;
/** Istio's MAX_WORKLOAD_CERT_TTL, milliseconds. */
export const longestLifetimeMs = 90 * 86_400_000;

/** A certificate begins this much before it is issued, milliseconds: hosts with slow clocks must not refuse it. */
const backdateLimitMs = 10 * 60_000;
/** Of a short life only this part, or it would be at its half, which is when it is renewed, as soon as it is issued. */
const backdateShare = 0.1;

/**
 * The lifetime that is granted, milliseconds. A request can shorten it only: how long a stolen key is good is for the
 * control plane to say, not for who holds it.
 *
 * @param requestedSeconds as in IstioCertificateRequest.validity_duration; 0 and less means the longest
 * @param longestMs the control plane's own lifetime of workloads
 * @throws LateenError LAT3105 above 90 days, as istiod refuses it
 */
export function grantLifetime(requestedSeconds: bigint, longestMs = defaultLifetimeMs): number {
  if (requestedSeconds <= 0n) return longestMs;
  if (requestedSeconds * 1000n > BigInt(longestLifetimeMs)) {
    throw caErrors.ttlRefused(`a certificate of ${requestedSeconds} s was asked for; the maximum is 90 days`);
  }
  return Math.min(Number(requestedSeconds) * 1000, longestMs);
}

/** How long before its issue a certificate begins, milliseconds; whole seconds, as X.509 has them. */
export function backdateOf(lifetimeMs: number): number {
  return Math.min(backdateLimitMs, Math.round((lifetimeMs * backdateShare) / 1000) * 1000);
}
