// Slows down whoever guesses: each address may fail a few times at once, then once a second.
//
// An attempt counts from its begin, before anybody knows whether it fails; else all that come while the first is looked up
// would be looked at. Attempts beyond what may still fail wait for the outcome of the others, so that many who come at once
// from behind one address, and do not fail, all pass.
import type { Clock } from "../kernel/clock.ts";
import { networkOf } from "../kernel/ip-network.ts";
import { RecentMap } from "../kernel/recent-map.ts";

/** Failures an address may make at once. */
const burst = 5;
/** One more is allowed after this long. */
const refillMs = 1000;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
const addressLimit = 10_000;
/** Attempts of one address that wait for the outcome of others; more are refused. */
const waitingLimit = 1_000;

/** The attempts of one network that are looked at, and those that wait. */
interface Attempts {
  open: number;
  readonly waiting: ((allowed: boolean) => void)[];
}

export class FailureLimiter {
  private readonly clock: Clock;
  /** Network to the time (monotonic, ms) at which its failures are forgotten. */
  private readonly paidUntil = new RecentMap<string, number>(addressLimit);
  /** As many as there are attempts, which their callers bound. */
  private readonly attempts = new Map<string, Attempts>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Begins an attempt from the address. Resolves to whether it may be looked at; then `end` must follow.
   */
  async begin(address: string): Promise<boolean> {
    const network = networkOf(address);
    const attempts = this.attempts.get(network) ?? { open: 0, waiting: [] };
    if (this.mayFail(network) > attempts.open) {
      attempts.open += 1;
      this.attempts.set(network, attempts);
      return true;
    }
    if (attempts.open === 0 || attempts.waiting.length >= waitingLimit) return false;
    return new Promise((resolve) => {
      attempts.waiting.push(resolve);
    });
  }

  /** Ends an attempt that was looked at. */
  end(address: string, outcome: "passed" | "failed"): void {
    const network = networkOf(address);
    if (outcome === "failed") this.remember(network);
    const attempts = this.attempts.get(network);
    if (attempts === undefined) return;
    attempts.open -= 1;
    while (attempts.waiting.length > 0 && this.mayFail(network) > attempts.open) {
      attempts.open += 1;
      attempts.waiting.shift()?.(true);
    }
    if (attempts.open > 0) return;
    // Nothing of theirs is looked at any more that could still turn out well.
    for (const refuse of attempts.waiting) refuse(false);
    this.attempts.delete(network);
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.paidUntil.size;
  }

  /** Failures that the network may make now. */
  private mayFail(network: string): number {
    const owedMs = Math.max(0, (this.paidUntil.get(network) ?? 0) - this.clock.monotonic());
    return burst - Math.ceil(owedMs / refillMs);
  }

  private remember(network: string): void {
    const now = this.clock.monotonic();
    const until = Math.max(this.paidUntil.get(network) ?? 0, now) + refillMs;
    this.paidUntil.set(network, Math.min(until, now + burst * refillMs));
  }
}
