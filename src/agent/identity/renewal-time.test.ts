import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sha256Hex } from "../../kernel/hash.ts";
import { machineShare, renewalTime } from "./renewal-time.ts";

test("renewal comes after a third and before half of the life, for any life up to 2106 (F27)", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 }),
      fc.integer({ min: 1, max: 90 * 86_400 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (fromSeconds, seconds, machine, random) => {
        const life = { notBeforeMs: fromSeconds * 1000, notAfterMs: (fromSeconds + seconds) * 1000 };
        const used = (renewalTime(life, machine, random) - life.notBeforeMs) / (seconds * 1000);
        assert.ok(used >= 0.38 && used <= 0.5, `${used}`);
      },
    ),
  );
});

test("a fleet that joined at one moment is spread evenly over a tenth of the life (F14)", () => {
  const life = { notBeforeMs: 0, notAfterMs: 86_400_000 };
  const window = 0.11 * 86_400_000;
  const slots = new Array<number>(10).fill(0);
  for (let machine = 0; machine < 10_000; machine += 1) {
    const at = renewalTime(life, machineShare(sha256Hex(`vm-${machine}`)), 0);
    const slot = Math.floor(((at - 0.4 * 86_400_000) / (window - 0.01 * 86_400_000)) * 10);
    slots[Math.min(9, slot)] = (slots[Math.min(9, slot)] ?? 0) + 1;
  }
  assert.ok(Math.max(...slots) < 1_300, `peak ${Math.max(...slots)} of mean 1000`);
});
