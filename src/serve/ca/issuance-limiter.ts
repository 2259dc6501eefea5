// How often a certificate may be exchanged for a new one: signing costs milliseconds of the event loop, and a machine needs
// it a few times a day.
//
// A machine is known by descent: a certificate shares its allowance with all that were issued for it, and for those. What a
// machine says of itself, such as its name, whoever has a certificate of the same account could say as well.
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import type { Clock } from "../../kernel/clock.ts";
import { RecentMap } from "../../kernel/recent-map.ts";
import type { Caller } from "./caller.ts";
import { caServiceErrors } from "./errors.ts";

export interface IssuanceLimits {
  /** Certificates at once. */
  readonly burst: number;
  /** One more after so long, milliseconds. */
  readonly refillMs: number;
}

/** Of one machine: a certificate and its descendants. */
export const machineIssuance: IssuanceLimits = { burst: 8, refillMs: 10_000 };
/** Of one SPIFFE id, behind which there may be a fleet that comes back at once; then a twentieth of the event loop. */
export const identityIssuance: IssuanceLimits = { burst: 1_000, refillMs: 50 };

/**
 * Certificates that are remembered; the one used longest ago is forgotten first. Each machine of a fleet of ten thousand
 * renews twice in a certificate's default life of a day, so that what is forgotten has mostly expired.
 */
const certificateLimit = 32_768;
/** SPIFFE ids that are remembered; likewise. */
const identityLimit = 10_000;

/** When all that was taken is there again (monotonic, milliseconds). */
interface Allowance {
  fullAtMs: number;
}

export class IssuanceLimiter {
  private readonly clock: Clock;
  private readonly onRefused: () => void;
  /** By serial number. */
  private readonly byCertificate = new RecentMap<string, Allowance>(certificateLimit);
  private readonly byIdentity = new RecentMap<SpiffeId, Allowance>(identityLimit);

  constructor(options: { clock: Clock; onRefused?: () => void }) {
    this.clock = options.clock;
    this.onRefused = options.onRefused ?? (() => {});
  }

  /**
   * Issues a certificate for who showed one. Who showed none is not limited here: join tokens count their uses.
   *
   * @throws LateenError LAT3206 where the machine or the identity has to wait, and what `issue` throws
   */
  async within<T extends { readonly serial: string }>(
    { peer }: Caller,
    id: SpiffeId,
    issue: () => Promise<T>,
  ): Promise<T> {
    if (peer.kind !== "verified") return issue();
    const ofMachine = touch(this.byCertificate, peer.serialNumber.toLowerCase());
    const ofIdentity = touch(this.byIdentity, id);
    const now = this.clock.monotonic();
    const machineMs = waitMs(ofMachine, machineIssuance, now);
    const identityMs = waitMs(ofIdentity, identityIssuance, now);
    if (machineMs > 0 || identityMs > 0) {
      this.onRefused();
      const who = machineMs > 0 ? "the machine" : `all with ${id} together`;
      const seconds = Math.ceil(Math.max(machineMs, identityMs) / 1000);
      throw caServiceErrors.tooOften(`${who} asked for certificates too often: try again in ${seconds} s`);
    }
    take(ofMachine, machineIssuance, now);
    take(ofIdentity, identityIssuance, now);
    const issued = await issue();
    this.byCertificate.set(issued.serial.toLowerCase(), ofMachine);
    return issued;
  }

  /** Certificates and SPIFFE ids that are remembered. */
  get sizes(): { readonly certificates: number; readonly identities: number } {
    return { certificates: this.byCertificate.size, identities: this.byIdentity.size };
  }
}

/** The allowance of the key, which becomes the one used last. */
function touch<K>(known: RecentMap<K, Allowance>, key: K): Allowance {
  const allowance = known.get(key) ?? { fullAtMs: 0 };
  known.set(key, allowance);
  return allowance;
}

function waitMs({ fullAtMs }: Allowance, { burst, refillMs }: IssuanceLimits, now: number): number {
  return Math.max(0, fullAtMs - now - (burst - 1) * refillMs);
}

function take(allowance: Allowance, { refillMs }: IssuanceLimits, now: number): void {
  allowance.fullAtMs = Math.max(allowance.fullAtMs, now) + refillMs;
}
