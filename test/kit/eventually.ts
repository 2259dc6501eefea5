// Waits for what has no event of its own: asks again at a stated interval, up to a bound.
import assert from "node:assert/strict";

export interface Patience {
  /** Between two questions, milliseconds. */
  everyMs?: number;
  /** A watchdog, not an expectation: longest wait in all, milliseconds. */
  withinMs?: number;
}

/**
 * Asks until `check` passes without throwing, and gives what it returned.
 *
 * @throws what the last check threw, once the time is over
 */
export async function eventually<T>(check: () => T | Promise<T>, patience: Patience = {}): Promise<T> {
  const { everyMs = 50, withinMs = 5000 } = patience;
  const endMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= endMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** The value, unless it is undefined. */
export function present<T>(value: T | undefined, what: string): T {
  assert.notEqual(value, undefined, `there is no ${what}`);
  return value as T;
}
