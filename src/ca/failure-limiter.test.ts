import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../kernel/clock.fake.ts";
import { FailureLimiter } from "./failure-limiter.ts";

test("addresses of one IPv6 network, and IPv4 in both spellings, count as one", () => {
  const limiter = new FailureLimiter(new FakeClock());
  for (let count = 0; count < 5; count++) limiter.failed(`2001:db8:0:1::${count}`);
  assert.equal(limiter.allows("2001:0db8:0000:0001:ffff::9"), false);
  assert.equal(limiter.allows("2001:db8:0:2::1"), true);
  for (let count = 0; count < 5; count++) limiter.failed("::ffff:192.0.2.1");
  assert.equal(limiter.allows("192.0.2.1"), false);
  assert.equal(limiter.allows("192.0.2.2"), true);
});

test("failures are forgotten one a second", async () => {
  const clock = new FakeClock();
  const limiter = new FailureLimiter(clock);
  for (let count = 0; count < 7; count++) limiter.failed("a");
  assert.equal(limiter.allows("a"), false);
  await clock.advance(2999);
  assert.equal(limiter.allows("a"), false);
  await clock.advance(1);
  assert.equal(limiter.allows("a"), true);
});

test("10,000 addresses are remembered and no more", () => {
  const limiter = new FailureLimiter(new FakeClock());
  for (let count = 0; count < 10_005; count++) limiter.failed(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`);
  assert.equal(limiter.size, 10_000);
});
