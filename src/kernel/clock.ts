// Time comes from outside, so that tests can turn it.

/** Cancels a timer; calling it again does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01 UTC. It may jump; use it for certificates and for people. */
  now(): number;
  /** Milliseconds that never jump; use it for durations and deadlines. */
  monotonic(): number;
  /** Calls `fn` once, `delayMs` from now. Delays over 24 days are kept exactly. The timer does not keep the process alive. */
  after(delayMs: number, fn: () => void): Cancel;
  /** Calls `fn` every `intervalMs`, first after one interval. */
  every(intervalMs: number, fn: () => void): Cancel;
}

/** `setTimeout` overflows at 2^31 ms. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    let timer: NodeJS.Timeout;
    let left = Math.max(0, delayMs);
    const arm = (): void => {
      const step = Math.min(left, longestTimerMs);
      left -= step;
      timer = setTimeout(() => (left > 0 ? arm() : fn()), step);
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
  every(intervalMs, fn) {
    const timer = setInterval(fn, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
