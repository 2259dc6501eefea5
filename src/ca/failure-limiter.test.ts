import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../kernel/clock.fake.ts";
import { FailureLimiter } from "./failure-limiter.ts";

/** One wrong attempt, alone. */
async function fail(limiter: FailureLimiter, address: string): Promise<boolean> {
  const looked = await limiter.begin(address);
  if (looked) limiter.end(address, "failed");
  return looked;
}

/** Whether a right attempt is looked at. */
async function allows(limiter: FailureLimiter, address: string): Promise<boolean> {
  const looked = await limiter.begin(address);
  if (looked) limiter.end(address, "passed");
  return looked;
}

test("addresses of one IPv6 network, and IPv4 in both spellings, count as one", async () => {
  const limiter = new FailureLimiter(new FakeClock());
  for (let count = 0; count < 5; count++) await fail(limiter, `2001:db8:0:1::${count}`);
  assert.equal(await allows(limiter, "2001:0db8:0000:0001:ffff::9"), false);
  assert.equal(await allows(limiter, "2001:db8:0:2::1"), true);
  for (let count = 0; count < 5; count++) await fail(limiter, "::ffff:192.0.2.1");
  assert.equal(await allows(limiter, "192.0.2.1"), false);
  assert.equal(await allows(limiter, "192.0.2.2"), true);
});

test("failures are forgotten one a second, however many there were", async () => {
  const clock = new FakeClock();
  const limiter = new FailureLimiter(clock);
  let looked = 0;
  for (let count = 0; count < 1_800; count++) if (await fail(limiter, "a")) looked += 1;
  assert.equal(looked, 5);
  await clock.advance(999);
  assert.equal(await allows(limiter, "a"), false);
  await clock.advance(1);
  assert.equal(await allows(limiter, "a"), true);
});

test("of many wrong attempts at once only five are looked at, and the rest are refused with them", async () => {
  const limiter = new FailureLimiter(new FakeClock());
  const attempts = Array.from({ length: 1_800 }, () => limiter.begin("a"));
  for (let count = 0; count < 5; count++) limiter.end("a", "failed");
  const looked = await Promise.all(attempts);
  assert.equal(looked.filter((allowed) => allowed).length, 5);
});

test("of many right attempts at once from one address all pass", async () => {
  const limiter = new FailureLimiter(new FakeClock());
  let open = 0;
  let most = 0;
  const one = async (): Promise<boolean> => {
    const looked = await limiter.begin("a");
    if (!looked) return false;
    most = Math.max(most, ++open);
    await Promise.resolve();
    open -= 1;
    limiter.end("a", "passed");
    return true;
  };
  assert.ok((await Promise.all(Array.from({ length: 500 }, one))).every((passed) => passed));
  assert.equal(most, 5);
});

test("after some failures as many are looked at together as may still fail", async () => {
  const limiter = new FailureLimiter(new FakeClock());
  for (let count = 0; count < 3; count++) await fail(limiter, "a");
  const attempts = Array.from({ length: 4 }, () => limiter.begin("a"));
  limiter.end("a", "passed");
  limiter.end("a", "passed");
  limiter.end("a", "failed");
  limiter.end("a", "failed");
  assert.deepEqual(await Promise.all(attempts), [true, true, true, true]);
  assert.equal(await allows(limiter, "a"), false);
});

test("10,000 addresses are remembered and no more", async () => {
  const limiter = new FailureLimiter(new FakeClock());
  for (let count = 0; count < 10_005; count++)
    await fail(limiter, `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`);
  assert.equal(limiter.size, 10_000);
});
