// When a certificate is renewed: early enough to survive an outage, and at another moment on each machine.

export interface RenewalPolicy {
  /** Part of the life that must be left, Istio's SECRET_GRACE_PERIOD_RATIO. */
  graceRatio: number;
  /** Istio's SECRET_GRACE_PERIOD_RATIO_JITTER. */
  jitterRatio: number;
  /** Part of the life over which machines are spread, so that a fleet that joined at once does not renew at once. */
  spreadRatio: number;
}

export const defaultRenewalPolicy: RenewalPolicy = { graceRatio: 0.5, jitterRatio: 0.01, spreadRatio: 0.1 };

/**
 * The moment to renew, at the latest when `graceRatio` of the life is left.
 *
 * @param machine stable share of this machine, 0 to 1; see `machineShare`
 * @param random 0 to 1, drawn for each certificate
 * @returns milliseconds since 1970
 */
export function renewalTime(
  life: { notBeforeMs: number; notAfterMs: number },
  machine: number,
  random: number,
  policy: RenewalPolicy = defaultRenewalPolicy,
): number {
  const grace = Math.min(1, policy.graceRatio + policy.spreadRatio * machine + policy.jitterRatio * random);
  return life.notAfterMs - grace * (life.notAfterMs - life.notBeforeMs);
}

/** The share of a machine: its id's hash as a number from 0 to 1. */
export function machineShare(idHashHex: string): number {
  return Number.parseInt(idHashHex.slice(0, 8), 16) / 0xffff_ffff;
}
