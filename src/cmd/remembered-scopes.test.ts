import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../kernel/clock.fake.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import { memoryStore } from "../store/store.fake.ts";
import type { ServedScope } from "../translate/mesh-generator.ts";
import { RememberedScopes } from "./remembered-scopes.ts";

const shop: ServedScope = {
  scope: { namespace: "shop", autoAddresses: true, sourceLabels: { app: "front" }, ipv6: true, ipv6Names: false },
  envoyVersion: "1.40.0",
};

function rig() {
  const store = memoryStore();
  const clock = new FakeClock();
  const { log, lines } = fakeLog();
  return { store, clock, lines, remembered: () => new RememberedScopes({ store, clock, log }) };
}

test("the scopes in use are known after a restart", async () => {
  const { clock, remembered } = rig();
  const before = remembered();
  assert.deepEqual(await before.load(), []);
  before.note(() => [shop]);
  await clock.advance(1_000);
  await before.stop();
  assert.deepEqual(await remembered().load(), [shop]);
});

test("what cannot be read is as if there was nothing, and is written anew", async () => {
  const { store, clock, remembered } = rig();
  for (const value of ["{", "null", '[{"scope":{"namespace":1},"envoyVersion":""}]', "[1]"]) {
    await store.txn({ puts: [{ key: "/scopes/recent", value }] });
    const scopes = remembered();
    assert.deepEqual(await scopes.load(), [], value);
    scopes.note(() => [shop]);
    await clock.advance(1_000);
    await scopes.stop();
    assert.deepEqual(await remembered().load(), [shop]);
  }
});
