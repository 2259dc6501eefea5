import assert from "node:assert/strict";
import { test } from "node:test";
import { workloadSpiffeId } from "../../identity/spiffe-id.ts";
import { parseTrustDomain } from "../../identity/trust-domain.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import type { Caller } from "./caller.ts";
import { IssuanceLimiter, identityIssuance, machineIssuance } from "./issuance-limiter.ts";

const trustDomain = parseTrustDomain("cluster.local");
const reviews = workloadSpiffeId(trustDomain, "shop", "reviews");

function start() {
  const clock = new FakeClock();
  const limiter = new IssuanceLimiter({ clock });
  let issued = 0;
  /** Exchanges the certificate; returns the serial number of the new one. */
  const renew = async (serialNumber: string, id = reviews): Promise<string> => {
    const peer = { kind: "verified", identities: [id], expiresAtMs: 0, serialNumber } as const;
    const issue = async () => {
      issued += 1;
      return { serial: `issued-${issued}` };
    };
    return (await limiter.within({ peer, address: "192.0.2.1" }, id, issue)).serial;
  };
  return { clock, limiter, renew, count: () => issued };
}

test("a machine gets eight certificates at once, then one every ten seconds", async () => {
  const { clock, renew, count } = start();
  for (let index = 0; index < machineIssuance.burst; index++) await renew("A1");
  await assert.rejects(renew("A1"), { code: "LAT3206", message: /the machine .* try again in 10 s$/ });
  await clock.advance(4_000);
  // Case does not make another certificate of it, and asking in vain does not make the wait longer.
  await assert.rejects(renew("a1"), { code: "LAT3206", message: /in 6 s$/ });
  await clock.advance(6_000);
  await renew("A1");
  await assert.rejects(renew("A1"), { code: "LAT3206" });
  assert.equal(count(), 9);
});

test("a new certificate does not bring a new allowance, but another machine has its own", async () => {
  const { renew } = start();
  let serial = "A1";
  for (let index = 0; index < machineIssuance.burst; index++) serial = await renew(serial);
  await assert.rejects(renew(serial), { code: "LAT3206" });
  await renew("B2");
});

test("a fleet behind one account comes back at once; more than that is taken in turns", async () => {
  const { clock, renew } = start();
  for (let index = 0; index < identityIssuance.burst; index++) await renew(`F${index}`);
  await assert.rejects(renew("F1000"), { code: "LAT3206", message: /all with spiffe:\S+ together/ });
  await renew("F1000", workloadSpiffeId(trustDomain, "shop", "ratings"));
  await clock.advance(identityIssuance.refillMs);
  await renew("F1001");
});

test("who shows no certificate is counted by its token", async () => {
  const { limiter } = start();
  const caller: Caller = { peer: { kind: "anonymous" }, address: "192.0.2.1" };
  for (let index = 0; index < 100; index++) await limiter.within(caller, reviews, async () => ({ serial: "1" }));
  assert.deepEqual(limiter.sizes, { certificates: 0, identities: 0 });
});

test("what is remembered is bounded, and who asks again is not forgotten", async () => {
  const { limiter, renew } = start();
  for (let index = 0; index < machineIssuance.burst; index++) await renew("A1");
  for (let index = 0; index < 40_000; index++) {
    await renew(`F${index}`, workloadSpiffeId(trustDomain, "shop", `account-${index}`));
    if (index % 1_000 === 0) await assert.rejects(renew("A1"), { code: "LAT3206" });
  }
  assert.deepEqual(limiter.sizes, { certificates: 32_768, identities: 10_000 });
});
