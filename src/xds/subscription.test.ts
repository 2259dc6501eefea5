import assert from "node:assert/strict";
import { test } from "node:test";
import { NamePool } from "./name-pool.ts";
import { namesOf, openStream } from "./subscription-stream.fake.ts";
import { typeUrls } from "./type-url.ts";

test("an empty first request means everything, for clusters and not for load assignments", () => {
  const clusters = openStream(typeUrls.cluster, { a: "1", b: "1" });
  clusters.request({});
  assert.deepEqual(namesOf(clusters.takeAcked()), ["a", "b"]);
  assert.equal(clusters.take(), undefined);
  const endpoints = openStream(typeUrls.endpoint, { a: "1" });
  endpoints.request({});
  assert.equal(endpoints.take(), undefined);
});

test("the first request of a wildcard type is answered even where there is nothing", () => {
  const { request, takeAcked, take } = openStream(typeUrls.cluster);
  request({});
  assert.deepEqual(takeAcked(), { resources: [], removed: [], trial: 0 });
  assert.equal(take(), undefined);
});

test("a client that comes back with equal versions gets an empty answer, and one with others the difference", () => {
  const same = openStream(typeUrls.cluster, { a: "1", b: "1" });
  same.request({ held: { a: "1", b: "1" } });
  assert.deepEqual(same.takeAcked(), { resources: [], removed: [], trial: 0 });
  const other = openStream(typeUrls.cluster, { a: "1", b: "2", c: "1" });
  other.request({ held: { a: "1", b: "1", gone: "1" } });
  const batch = other.takeAcked();
  assert.deepEqual(namesOf(batch), ["b", "c"]);
  assert.deepEqual(batch?.removed, ["gone"]);
});

test("names held from an earlier stream are not sent again where they are equal", () => {
  const { request, take, subscription } = openStream(typeUrls.endpoint, { a: "1", b: "2" });
  request({ subscribe: ["a", "b"], held: { a: "1", b: "1", old: "1" } });
  const batch = take();
  assert.deepEqual(namesOf(batch), ["b"]);
  assert.deepEqual(batch?.removed, ["old"], "what the client holds unasked counts as asked for, as in Istio");
  assert.equal(subscription.nameCount, 3);
});

test("everything, asked for many times in one request, is walked through once", () => {
  const { table, subscription, request, takeAcked } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  request({ subscribe: ["*"] });
  takeAcked();
  let walks = 0;
  const values = table.values.bind(table);
  table.values = () => {
    walks += 1;
    return values();
  };
  request({ subscribe: Array<string>(1_000).fill("*") });
  assert.equal(walks, 1);
  assert.deepEqual(namesOf(takeAcked()), ["a", "b"]);
  request({ unsubscribe: Array<string>(1_000).fill("*") });
  assert.equal(subscription.isWildcard, false);
});

test("a name that is asked for again is sent again", () => {
  const { request, takeAcked, take } = openStream(typeUrls.endpoint, { a: "1" });
  request({ subscribe: ["a"] });
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
  request({ subscribe: ["a"] });
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
  assert.equal(take(), undefined);
});

test("a name that does not exist is told to be removed, and sent when it appears", () => {
  const { request, takeAcked, take, table, subscription } = openStream(typeUrls.endpoint);
  request({ subscribe: ["a"] });
  assert.deepEqual(takeAcked()?.removed, ["a"]);
  assert.equal(subscription.resourceCount, 0);
  assert.equal(take(), undefined);
  table.set("a", "1");
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
  assert.equal(subscription.resourceCount, 1);
});

test("unsubscribing needs no answer, except under a wildcard", () => {
  const named = openStream(typeUrls.endpoint, { a: "1" });
  named.request({ subscribe: ["a"] });
  named.takeAcked();
  named.request({ unsubscribe: ["a", "phantom"] });
  named.table.set("a", "2");
  assert.equal(named.take(), undefined);

  const both = openStream(typeUrls.cluster, { a: "1" });
  both.request({ subscribe: ["*", "a", "x"] });
  assert.deepEqual(both.takeAcked(), { resources: [both.table.get("a")], removed: ["x"], trial: 0 });
  both.request({ unsubscribe: ["a", "x"] });
  const answer = both.takeAcked();
  assert.deepEqual(namesOf(answer), ["a"]);
  assert.deepEqual(answer?.removed, ["x"]);
});

test("the wildcard ends with its own name only, and an acknowledgement does not bring it back", () => {
  const { request, takeAcked, take, table } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  request({});
  takeAcked();
  request({ subscribe: ["b"] });
  assert.deepEqual(namesOf(takeAcked()), ["b"]);
  table.set("a", "2");
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
  request({ unsubscribe: ["*"] });
  table.set("a", "3");
  assert.equal(take(), undefined);
  request({});
  assert.equal(take(), undefined);
  table.set("b", "2");
  assert.deepEqual(namesOf(takeAcked()), ["b"]);
});

test("saying * after an empty first request changes nothing, saying it twice sends all again", () => {
  const { request, takeAcked, take } = openStream(typeUrls.cluster, { a: "1" });
  request({});
  takeAcked();
  request({ subscribe: ["*"] });
  assert.equal(take(), undefined);
  request({ subscribe: ["*"] });
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
});

test("one message is in flight; what changes meanwhile goes out once, in its newest version", () => {
  const { request, take, table, nonce } = openStream(typeUrls.cluster, { a: "1" });
  request({});
  take();
  const first = nonce();
  table.set("a", "2");
  table.set("a", "3");
  assert.equal(take(), undefined);
  request({ nonce: first });
  assert.deepEqual(
    take()?.resources.map((resource) => resource.version),
    ["3"],
  );
});

test("a change that is undone before it was sent is not sent", () => {
  const { request, take, takeAcked, table } = openStream(typeUrls.cluster, { a: "1" });
  request({});
  takeAcked();
  table.set("a", "2");
  table.set("a", "1");
  table.set("b", "1");
  table.delete("b");
  assert.equal(take(), undefined);
});

test("a stale nonce acknowledges nothing, and its subscription change counts all the same", () => {
  const { request, take, table } = openStream(typeUrls.endpoint, { a: "1", b: "1" });
  request({ subscribe: ["a"] });
  take(); // nonce 1
  assert.equal(request({ nonce: "0", subscribe: ["b"] }).kind, "stale");
  assert.equal(take(), undefined, "the first message is still in flight");
  assert.equal(request({ nonce: "1" }).kind, "ack");
  assert.deepEqual(namesOf(take()), ["b"]);
  assert.equal(request({ nonce: "99", rejection: "never sent" }).kind, "stale");
  table.set("a", "2");
  assert.equal(take(), undefined);
});

test("a demanded resource goes out although the client has it, and one nobody asked for does not", () => {
  const { request, takeAcked, take, subscription } = openStream(typeUrls.endpoint, { a: "1", b: "1" });
  request({ subscribe: ["a"], held: { a: "1" } });
  assert.equal(take(), undefined);
  subscription.demand("a");
  subscription.demand("b");
  subscription.demand("none");
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
  assert.equal(take(), undefined);
});

test("a message over the limit is split, and a single larger resource goes alone", () => {
  const contents = { a: "x".repeat(300), b: "y".repeat(300), c: "z".repeat(5000) };
  const { request, takeAcked } = openStream(typeUrls.cluster, contents);
  request({});
  assert.deepEqual(namesOf(takeAcked(1000)), ["a", "b"]);
  assert.deepEqual(namesOf(takeAcked(1000)), ["c"]);
  assert.equal(takeAcked(1000), undefined);
});

test("present and removed parts can be taken apart; an answer to a name that does not exist is not a removal", () => {
  const { request, table, subscription } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  request({});
  subscription.take({ nonce: "n1", limitBytes: 1 << 20, part: "present" });
  request({ nonce: "n1" });
  table.set("a", "2");
  table.delete("b");
  request({ subscribe: ["x"] });
  assert.deepEqual(subscription.pending(), { present: true, removed: true });
  const present = subscription.take({ nonce: "n2", limitBytes: 1 << 20, part: "present" });
  assert.deepEqual(namesOf(present), ["a"]);
  assert.deepEqual(present?.removed, ["x"]);
  request({ nonce: "n2" });
  assert.deepEqual(subscription.pending(), { present: false, removed: true });
  assert.equal(subscription.take({ nonce: "n3", limitBytes: 1 << 20, part: "present" }), undefined);
  assert.deepEqual(subscription.take({ nonce: "n3", limitBytes: 1 << 20, part: "removed" })?.removed, ["b"]);
});

test("equal sets of names are kept once, and a stream that changes its own leaves the others' alone", () => {
  const pool = new NamePool();
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  const one = openStream(typeUrls.endpoint);
  const two = openStream(typeUrls.endpoint);
  one.request({ subscribe: names });
  two.request({ subscribe: names.toReversed() });
  one.subscription.shareNames(pool);
  two.subscription.shareNames(pool);
  assert.equal(one.subscription.wantedNames, two.subscription.wantedNames);
  two.request({ subscribe: ["more"], unsubscribe: ["n0"] });
  assert.equal(one.subscription.wants("more"), false);
  assert.equal(one.subscription.wants("n0"), true);
  assert.equal(two.subscription.wants("n0"), false);
});

test("what is withheld is not sent; who holds an older version keeps it, and who asks by name is told that there is none", () => {
  const all = openStream(typeUrls.cluster, { a: "1", b: "withheld 1" });
  all.request({});
  assert.deepEqual(namesOf(all.takeAcked()), ["a"]);
  all.table.set("a", "withheld 2");
  assert.equal(all.take(), undefined);
  assert.equal(all.subscription.settled, true);
  all.table.set("a", "2");
  assert.deepEqual(namesOf(all.takeAcked()), ["a"]);
  const named = openStream(typeUrls.endpoint, { a: "withheld 1" });
  named.request({ subscribe: ["a"] });
  assert.deepEqual(named.takeAcked()?.removed, ["a"]);
  named.table.set("a", "1");
  assert.deepEqual(namesOf(named.takeAcked()), ["a"]);
});

test("who waits for a resource that is gone meanwhile is told so at once, not when removals may go", () => {
  const { table, subscription, request } = openStream(typeUrls.endpoint, { a: "1", b: "1" });
  request({ subscribe: ["a"] });
  subscription.demand("a"); // asked for and needed
  table.delete("a");
  const first = subscription.take({ nonce: "x", limitBytes: 1000, part: "present" });
  assert.deepEqual([first?.resources, first?.removed], [[], ["a"]]);
  request({ nonce: "x", subscribe: ["b"] });
  assert.deepEqual(namesOf(subscription.take({ nonce: "y", limitBytes: 1000, part: "present" })), ["b"]);
  request({ nonce: "y" });
  subscription.demand("b"); // held, and needed once more
  table.delete("b");
  const second = subscription.take({ nonce: "z", limitBytes: 1000, part: "present" });
  assert.deepEqual([second?.resources, second?.removed], [[], ["b"]]);
});
