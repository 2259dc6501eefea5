import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { parseJoinToken } from "../identity/join-token.ts";
import { FakeClock } from "../kernel/clock.fake.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import { systemRandom } from "../kernel/random.ts";
import { memoryStore } from "../store/store.fake.ts";
import type { Store } from "../store/store.ts";
import { joinTokenPrefix } from "./join-token-record.ts";
import { JoinTokens } from "./join-tokens.ts";

const hourMs = 3_600_000;
const pin = "A".repeat(43);
let store: Store;
let clock: FakeClock;
let logged: ReturnType<typeof fakeLog>;
let tokens: JoinTokens;

beforeEach(() => {
  store = memoryStore();
  clock = new FakeClock();
  logged = fakeLog();
  tokens = replica();
});
afterEach(async () => {
  await tokens.stop();
  await store.stop();
});

function replica(from: Store = store): JoinTokens {
  return new JoinTokens({ store: from, pin, clock, random: systemRandom, log: logged.log });
}

async function made(order: { ttlMs?: number; uses?: number } = {}): Promise<string> {
  return (await tokens.create({ group: "shop/reviews", ...order })).token.reveal();
}

async function use(text: string, by: JoinTokens = tokens): Promise<void> {
  await by.consume(await by.verify(text, "192.0.2.1"));
}

test("a token is good once, for its group", async () => {
  const text = await made();
  assert.equal(parseJoinToken(text).pin, pin);
  const claim = await tokens.verify(text, "192.0.2.1");
  assert.deepEqual(claim, { id: parseJoinToken(text).id, namespace: "shop", group: "reviews" });
  await tokens.verify(text, "192.0.2.1");
  await tokens.consume(claim);
  await assert.rejects(tokens.verify(text, "192.0.2.1"), { code: "LAT3107", message: /was used before/ });
  await assert.rejects(tokens.consume(claim), { code: "LAT3107" });
});

test("T9: of 1,000 parallel callers on two control planes exactly one succeeds", async () => {
  const text = await made();
  const other = replica();
  const results = await Promise.allSettled(
    Array.from({ length: 1000 }, (_, index) => use(text, index % 2 === 0 ? tokens : other)),
  );
  assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
  for (const result of results) {
    if (result.status === "rejected") assert.equal((result.reason as { code: string }).code, "LAT3107");
  }
  await other.stop();
});

test("T9: a token of 20 uses is good for exactly 20 of many", async () => {
  const text = await made({ uses: 20 });
  const other = replica();
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) => use(text, index % 2 === 0 ? tokens : other)),
  );
  assert.equal(results.filter((result) => result.status === "fulfilled").length, 20);
  await other.stop();
});

test("T9: a control plane that died after the use does not give it back", async () => {
  const text = await made();
  await use(text);
  await assert.rejects(replica().verify(text, "192.0.2.1"), { code: "LAT3107", message: /was used before/ });
});

test("a write that fails does not count as a use, and is not a success", async () => {
  const text = await made();
  let broken = true;
  const failing = replica({
    ...store,
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    txn: (transaction) => (broken ? Promise.reject(new TypeError("disk")) : store.txn(transaction)),
  });
  const claim = await failing.verify(text, "192.0.2.1");
  await assert.rejects(failing.consume(claim), TypeError);
  broken = false;
  await failing.consume(claim);
});

test("T10: a token ends on time, and a clock set back does not revive it", async () => {
  const text = await made({ ttlMs: hourMs });
  await clock.advance(hourMs - 1);
  await tokens.verify(text, "192.0.2.1");
  await clock.advance(1);
  await assert.rejects(tokens.verify(text, "192.0.2.1"), { code: "LAT3107", message: /expired at 2026-/ });
  const set = clock.now.bind(clock);
  clock.now = () => set() - 10 * 60_000;
  await assert.rejects(tokens.verify(text, "192.0.2.1"), { code: "LAT3107" });
  await assert.rejects(tokens.consume({ id: parseJoinToken(text).id, namespace: "shop", group: "reviews" }), {
    code: "LAT3107",
  });
});

test("ended and used tokens are removed a day after their end, and not before", async () => {
  await use(await made());
  await made({ ttlMs: 7 * 24 * hourMs });
  await clock.advance(25 * hourMs - 1);
  await tokens.stop();
  assert.equal((await store.list(joinTokenPrefix)).entries.length, 2);
  await clock.advance(2 * hourMs);
  tokens = replica();
  await tokens.stop();
  assert.equal((await store.list(joinTokenPrefix)).entries.length, 1);
});

test("the store never holds a secret, and neither does the log", async () => {
  const text = await made();
  await use(text);
  const { secret } = parseJoinToken(text);
  await assert.rejects(tokens.verify(text, "192.0.2.1"), { code: "LAT3107" });
  const page = await store.list("");
  const kept = page.entries.map((entry) => Buffer.from(entry.value).toString()).join();
  assert.ok(kept.includes("secretHash"));
  assert.ok(!kept.includes(secret.reveal()));
  assert.ok(!JSON.stringify(logged.lines).includes(secret.reveal()));
});

test("X2: what is not a known token is refused with one code and the same words", async () => {
  const text = await made();
  const { id, secret } = parseJoinToken(text);
  const wrongSecret = text.replace(secret.reveal(), "A".repeat(43));
  const wrongId = text.replace(id, "aaaaaaaaaa");
  const messages = new Set<string>();
  for (const wrong of [wrongSecret, wrongId]) {
    await assert.rejects(tokens.verify(wrong, `198.51.100.${messages.size}`), (error: Error & { code: string }) => {
      messages.add(error.message);
      return error.code === "LAT3107";
    });
  }
  assert.equal(messages.size, 1);
  for (const [index, wrong] of ["", "null", "[]", "0", "eyJhbGciOiJub25lIn0.e30.", "x".repeat(10_000_000)].entries()) {
    await assert.rejects(tokens.verify(wrong, `203.0.113.${index}`), { code: "LAT3107" });
  }
});

test("T11: an address that guesses is slowed to one answer a second; others are not", async () => {
  const good = await made({ uses: 3 });
  const guess = (address: string): Promise<unknown> => tokens.verify("lateen1.guess", address);
  for (let count = 0; count < 5; count++) await assert.rejects(guess("192.0.2.9"), { code: "LAT3107" });
  await assert.rejects(guess("192.0.2.9"), { code: "LAT3108" });
  await assert.rejects(tokens.verify(good, "192.0.2.9"), { code: "LAT3108" });
  await tokens.verify(good, "192.0.2.10");
  await clock.advance(1000);
  await tokens.verify(good, "192.0.2.9");
  await assert.rejects(guess("192.0.2.9"), { code: "LAT3107" });
  await assert.rejects(guess("192.0.2.9"), { code: "LAT3108" });
});

test("T11: of 1,800 wrong tokens at once five are looked up, and the right one is good a second later", async () => {
  const good = await made();
  const wrong = good.replace(parseJoinToken(good).secret.reveal(), "A".repeat(43));
  let lookups = 0;
  const { get } = store;
  store.get = (key) => {
    lookups += 1;
    return get.call(store, key);
  };
  const results = await Promise.allSettled(Array.from({ length: 1_800 }, () => tokens.verify(wrong, "192.0.2.9")));
  assert.ok(results.every(({ status }) => status === "rejected"));
  assert.equal(lookups, 5);
  await assert.rejects(tokens.verify(good, "192.0.2.9"), { code: "LAT3108" });
  await clock.advance(1000);
  await tokens.verify(good, "192.0.2.9");
});

test("a fleet behind one address joins at once", async () => {
  const good = await made({ uses: 300 });
  await Promise.all(Array.from({ length: 300 }, () => use(good)));
});

test("orders that are not allowed make no token", async () => {
  for (const group of [
    "",
    "shop",
    "shop/",
    "/x",
    "a/b/c",
    "Shop/x",
    "shop/../x",
    "shop/x y",
    `shop/${"x".repeat(300)}`,
  ]) {
    await assert.rejects(tokens.create({ group }), { code: "LAT3109" }, group);
  }
  for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 7 * 24 * hourMs + 1]) {
    await assert.rejects(made({ ttlMs }), { code: "LAT3109" });
  }
  for (const uses of [0, -1, 1.5, Number.NaN, 10_001]) await assert.rejects(made({ uses }), { code: "LAT3109" });
  await made({ ttlMs: 7 * 24 * hourMs, uses: 10_000 });
});

test("the list shows what can still be used, without secrets; a token can be taken back", async () => {
  const { record } = await tokens.create({ group: "shop/reviews", ttlMs: 2 * hourMs });
  await tokens.create({ group: "shop/ratings", uses: 3 });
  await use(await made());
  const listed = await tokens.list();
  assert.deepEqual(
    listed.map(({ group, usesLeft }) => [group, usesLeft]),
    [
      ["ratings", 3],
      ["reviews", 1],
    ],
  );
  assert.equal(await tokens.revoke(record.id), true);
  assert.equal(await tokens.revoke(record.id), false);
  assert.equal(await tokens.revoke("../objects"), false);
  assert.equal((await tokens.list()).length, 1);
});

test("records of another layout or damaged ones are good for nothing and are left alone", async () => {
  const text = await made();
  const { id } = parseJoinToken(text);
  const key = `${joinTokenPrefix}${id}`;
  const good = JSON.parse(Buffer.from((await store.get(key))?.value ?? []).toString()) as object;
  for (const value of [
    "",
    "null",
    "[]",
    "{",
    JSON.stringify({ ...good, layout: 2 }),
    JSON.stringify({ ...good, secretHash: "x" }),
  ]) {
    await store.txn({ puts: [{ key, value }] });
    await assert.rejects(tokens.verify(text, `192.0.2.${value.length % 200}`), { code: "LAT3107" });
    await replica().stop();
    assert.ok(await store.get(key));
  }
});
