// How long a workload's certificate lives.
import { caErrors } from "./errors.ts";

/** Istio's DEFAULT_WORKLOAD_CERT_TTL, milliseconds. */
export const defaultLifetimeMs = 24 * 3_600_000;
/** Istio's MAX_WORKLOAD_CERT_TTL, milliseconds. */
export const longestLifetimeMs = 90 * 86_400_000;

/**
 * The lifetime that is granted, milliseconds.
 *
 * @param requestedSeconds as in IstioCertificateRequest.validity_duration; 0 and less means the default
 * @throws LateenError LAT3105 above 90 days
 */
export function grantLifetime(requestedSeconds: bigint): number {
  if (requestedSeconds <= 0n) return defaultLifetimeMs;
  if (requestedSeconds * 1000n > BigInt(longestLifetimeMs)) {
    throw caErrors.ttlRefused(`a certificate of ${requestedSeconds} s was asked for; the maximum is 90 days`);
  }
  return Number(requestedSeconds) * 1000;
}
