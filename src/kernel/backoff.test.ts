import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { Backoff } from "./backoff.ts";
import type { Random } from "./random.ts";

const always = (fraction: number): Random => ({ fraction: () => fraction, bytes: (length) => new Uint8Array(length) });
const nearlyOne = 1 - 2 ** -53;

suite("Backoff", () => {
  test("doubles its bound until the maximum", () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000 }, always(0.5));
    const delays = Array.from({ length: 7 }, () => backoff.next());
    assert.deepEqual(delays, [50, 100, 200, 400, 500, 500, 500]);
  });

  test("starts over once the attempt has proven good", () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000 }, always(0.5));
    backoff.next();
    backoff.next();
    backoff.reset();
    assert.equal(backoff.next(), 50);
  });

  test("may come back at once: the jitter is full", () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 1000 }, always(0));
    assert.equal(backoff.next(), 0);
  });

  test("stays finite and below its bound after any number of attempts", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 1, max: 1e9 }),
        fc.nat(3000),
        (firstMs, maxMs, attempts) => {
          const backoff = new Backoff({ firstMs, maxMs }, always(nearlyOne));
          let last = 0;
          for (let i = 0; i <= attempts; i++) {
            const delayMs = backoff.next();
            assert.ok(delayMs >= last && delayMs < maxMs && delayMs < firstMs * 2 ** i, `${delayMs} ms`);
            last = delayMs;
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
