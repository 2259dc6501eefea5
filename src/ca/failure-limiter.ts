// Slows down whoever guesses: each address may fail a few times at once, then once a second.
import type { Clock } from "../kernel/clock.ts";
import { type Cidr, cidrContains, formatIp, parseIp } from "../kernel/ip-address.ts";

/** Failures an address may make at once. */
const burst = 5;
/** One more is allowed after this long. */
const refillMs = 1000;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const addressLimit = 10_000;
/** ::ffff:0:0/96, as a dual-stack socket spells IPv4. */
const mappedIpv4: Cidr = { network: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0), prefix: 96 };

export class FailureLimiter {
  private readonly clock: Clock;
  /** Network to the time (monotonic, ms) at which its failures are forgotten. In order of the last failure. */
  private readonly paidUntil = new Map<string, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Whether an attempt from the address may be looked at now. */
  allows(address: string): boolean {
    const until = this.paidUntil.get(networkOf(address)) ?? 0;
    return until - this.clock.monotonic() <= (burst - 1) * refillMs;
  }

  failed(address: string): void {
    const network = networkOf(address);
    const until = Math.max(this.paidUntil.get(network) ?? 0, this.clock.monotonic()) + refillMs;
    this.paidUntil.delete(network);
    this.paidUntil.set(network, until);
    if (this.paidUntil.size <= addressLimit) return;
    for (const oldest of this.paidUntil.keys()) {
      this.paidUntil.delete(oldest);
      return;
    }
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.paidUntil.size;
  }
}

/** An IPv4 address as it is; of an IPv6 address the first 64 bits, which one customer gets. */
function networkOf(address: string): string {
  const bytes = parseIp(address);
  if (bytes === undefined || bytes.length === 4) return address;
  if (cidrContains(mappedIpv4, bytes)) return formatIp(bytes.subarray(12));
  return formatIp(Uint8Array.from(bytes, (byte, index) => (index < 8 ? byte : 0)));
}
