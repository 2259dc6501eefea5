// Waits until proxies have answered all they were sent.
import type { Clock } from "../../kernel/clock.ts";

/** Those who wait at one time; more are told at once that it is not known. */
const waiterLimit = 64;

interface Waiter<C> {
  readonly unsettled: Set<C>;
  readonly end: (settled: boolean) => void;
}

export class Settling<C> {
  private readonly clock: Clock;
  private readonly waiters = new Set<Waiter<C>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Resolves true once each of the streams has been in step, or gone, for a moment.
   *
   * @param unsettled the streams that are not in step
   */
  wait(unsettled: Iterable<C>, withinMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter: Waiter<C> = {
      unsettled: new Set(unsettled),
      end: (settled) => {
        cancel();
        this.waiters.delete(waiter);
        resolve(settled);
      },
    };
    const cancel = this.clock.after(withinMs, () => waiter.end(false));
    if (waiter.unsettled.size === 0) waiter.end(true);
    else if (this.waiters.size >= waiterLimit) waiter.end(false);
    else this.waiters.add(waiter);
    return promise;
  }

  /** The stream is in step, or gone. */
  settled(stream: C): void {
    for (const waiter of this.waiters) {
      if (waiter.unsettled.delete(stream) && waiter.unsettled.size === 0) waiter.end(true);
    }
  }
}
