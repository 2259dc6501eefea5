import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ResourceTable } from "./resource-table.fake.ts";
import { SotwSubscription } from "./sotw-subscription.ts";
import type { Batch, Part } from "./subscription-request.ts";
import { typeUrls } from "./type-url.ts";

function openStream(typeUrl: string, contents: Record<string, string> = {}) {
  const table = new ResourceTable(typeUrl, contents);
  const subscription = new SotwSubscription(typeUrl, table);
  table.subscribe((changes) => subscription.change(changes));
  let count = 0;
  const request = (parts: { names?: string[]; nonce?: string; versionInfo?: string; rejection?: string }) =>
    subscription.receive({
      names: parts.names ?? [],
      nonce: parts.nonce ?? "",
      versionInfo: parts.versionInfo ?? "",
      rejection: parts.rejection,
    });
  const take = (part: Part = "all"): Batch | undefined => {
    const batch = subscription.take({ nonce: String(count + 1), limitBytes: 1 << 20, part });
    if (batch !== undefined) count += 1;
    return batch;
  };
  return { table, subscription, request, take, nonce: () => String(count) };
}

const contentsOf = (batch: Batch | undefined) =>
  batch && Object.fromEntries(batch.resources.map(({ name, version }) => [name, version]));

test("every response of clusters holds all of them", () => {
  const { table, request, take, nonce } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  request({});
  assert.deepEqual(contentsOf(take()), { a: "1", b: "1" });
  request({ nonce: nonce() });
  assert.equal(take(), undefined);
  table.set("a", "2");
  assert.deepEqual(contentsOf(take()), { a: "2", b: "1" });
});

test("a response of load assignments holds what changed, and a removal is not told", () => {
  const { table, request, take, nonce, subscription } = openStream(typeUrls.endpoint, { a: "1", b: "1" });
  request({ names: ["a", "b", "none"] });
  assert.deepEqual(contentsOf(take()), { a: "1", b: "1" });
  request({ names: ["a", "b", "none"], nonce: nonce() });
  table.set("b", "2");
  table.delete("a");
  assert.deepEqual(contentsOf(take()), { b: "2" });
  request({ names: ["a", "b", "none"], nonce: nonce() });
  assert.equal(take(), undefined);
  assert.equal(subscription.settled, true);
});

test("which load assignment is bad is found out, and the others are taken", () => {
  const names = ["a", "bad", "c", "d"];
  const { request, take, nonce, subscription } = openStream(typeUrls.endpoint, { a: "1", bad: "1", c: "1", d: "1" });
  request({ names });
  const accepted = new Set<string>();
  for (let batch = take(); batch !== undefined; batch = take()) {
    const isBad = batch.resources.some(({ name }) => name === "bad");
    for (const { name } of isBad ? [] : batch.resources) accepted.add(name);
    request({ names, nonce: nonce(), ...(isBad ? { rejection: "something in it" } : {}) });
  }
  assert.deepEqual([...accepted].sort(), ["a", "c", "d"]);
  assert.deepEqual([...subscription.refused.keys()], ["bad"]);
});

test("a request that adds names is answered with these, one that drops names is not answered", () => {
  const { request, take, nonce, table } = openStream(typeUrls.endpoint, { a: "1", b: "1" });
  request({ names: ["a"] });
  take();
  request({ names: ["a", "b"], nonce: nonce() });
  assert.deepEqual(contentsOf(take()), { b: "1" });
  request({ names: ["b"], nonce: nonce() });
  assert.equal(take(), undefined);
  table.set("a", "2");
  assert.equal(take(), undefined);
  request({ names: ["a", "b"], nonce: nonce() });
  assert.deepEqual(contentsOf(take()), { a: "2" }, "the nonce of a response that was answered before still counts");
});

test("an empty list means everything until a name was given, and nothing after that", () => {
  const { request, take, nonce, table } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  request({});
  take();
  request({ names: ["*", "a"], nonce: nonce() });
  assert.deepEqual(contentsOf(take()), { a: "1", b: "1" });
  request({ names: ["a"], nonce: nonce() });
  table.set("b", "2");
  assert.equal(take(), undefined);
  request({ names: [], nonce: nonce() });
  table.set("a", "2");
  assert.equal(take(), undefined);
});

test("a stale request is passed over: the answer to the newer response carries the names", () => {
  const { request, take, nonce, table } = openStream(typeUrls.endpoint, { a: "1", b: "1" });
  request({ names: ["a"] });
  take();
  const first = nonce();
  request({ names: ["a"], nonce: first });
  table.set("a", "2");
  take();
  assert.equal(request({ names: ["a", "b"], nonce: first }).kind, "stale");
  assert.equal(take(), undefined);
  assert.equal(request({ names: ["a", "b"], nonce: nonce() }).kind, "ack");
  assert.deepEqual(contentsOf(take()), { b: "1" });
});

test("a nonce of an earlier stream says nothing: until this one has sent something, every request counts", () => {
  const clusters = openStream(typeUrls.cluster, { a: "1" });
  assert.equal(clusters.request({ nonce: "old.7", versionInfo: "x" }).kind, "none");
  assert.deepEqual(contentsOf(clusters.take()), { a: "1" });
  assert.equal(clusters.request({ nonce: "old.7" }).kind, "stale", "now there is a newer one");
  assert.equal(clusters.request({ nonce: clusters.nonce() }).kind, "ack");
  const endpoints = openStream(typeUrls.endpoint, { a: "1", b: "1" });
  endpoints.request({ nonce: "old.7", names: ["none"] });
  assert.equal(endpoints.take(), undefined);
  endpoints.request({ nonce: "old.7", names: ["none", "b"], rejection: "of the earlier stream" });
  assert.deepEqual(contentsOf(endpoints.take()), { b: "1" });
  const same = openStream(typeUrls.cluster, { a: "1" });
  same.request({ nonce: "old.7", versionInfo: clusters.subscription.version() });
  assert.equal(same.take(), undefined, "in step, as without a nonce");
});

test("a client that comes back with the present version of everything gets nothing", () => {
  const { request, take, subscription, table } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  const other = openStream(typeUrls.cluster, { b: "1", a: "1" });
  request({});
  take();
  const versionInfo = subscription.version();
  assert.equal(other.subscription.wants("a"), false);
  other.request({ versionInfo });
  assert.equal(other.take(), undefined);
  other.table.set("a", "2");
  assert.deepEqual(contentsOf(other.take()), { a: "2", b: "1" });
  table.set("a", "2");
  assert.equal(subscription.version(), other.subscription.version(), "order does not matter");
});

test("a rejected response is not sent again until something changes", () => {
  const { request, take, nonce, table, subscription } = openStream(typeUrls.cluster, { a: "bad", b: "1" });
  request({});
  take();
  assert.equal(request({ nonce: nonce(), rejection: "no" }).kind, "nack");
  assert.deepEqual([...subscription.refused.keys()], ["a", "b"]);
  assert.equal(take(), undefined);
  table.set("a", "good");
  assert.deepEqual(contentsOf(take()), { a: "good", b: "1" });
});

test("a removed cluster stays in the responses until removals may go", () => {
  const { request, take, nonce, table } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  request({});
  take("present");
  request({ nonce: nonce() });
  table.delete("a");
  table.set("c", "1");
  assert.deepEqual(contentsOf(take("present")), { a: "1", b: "1", c: "1" });
  request({ nonce: nonce() });
  assert.equal(take("present"), undefined);
  assert.deepEqual(contentsOf(take("removed")), { b: "1", c: "1" });
  request({ nonce: nonce() });
  assert.equal(take("removed"), undefined);
});

test("any order of events ends with the client holding exactly the present clusters", () => {
  const name = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), name, version: fc.constantFrom("1", "2", "3") }),
    fc.record({ kind: fc.constant("delete" as const), name }),
    fc.record({ kind: fc.constantFrom("present" as const, "removed" as const, "answer" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const { table, request, take, nonce, subscription } = openStream(typeUrls.cluster, { a: "1" });
      let held: Record<string, string> | undefined;
      let unanswered = false;
      const receive = (batch: Batch | undefined): void => {
        if (batch === undefined) return;
        held = contentsOf(batch);
        unanswered = true;
      };
      const answer = (): void => {
        if (unanswered) request({ nonce: nonce(), versionInfo: subscription.version() });
        unanswered = false;
      };
      request({});
      for (const action of steps) {
        if (action.kind === "set") table.set(action.name, action.version);
        else if (action.kind === "delete") table.delete(action.name);
        else if (action.kind === "answer") answer();
        else receive(take(action.kind));
      }
      for (let round = 0; round < 4; round++) {
        receive(take(round % 2 === 0 ? "present" : "removed"));
        answer();
      }
      assert.equal(subscription.settled, true);
      assert.deepEqual(held, Object.fromEntries([...table.values()].map(({ name, version }) => [name, version])));
    }),
    { numRuns: 2000 },
  );
});

test("a client that comes back with a response that held what was about to go is told that it is gone", () => {
  const before = openStream(typeUrls.cluster, { a: "1", b: "1" });
  before.request({});
  before.take();
  before.request({ nonce: before.nonce() });
  before.table.delete("a");
  before.table.set("b", "2");
  assert.deepEqual(contentsOf(before.take("present")), { b: "2", a: "1" });
  const { request, take } = openStream(typeUrls.cluster, { b: "2" });
  request({ versionInfo: before.subscription.version() });
  assert.deepEqual(contentsOf(take()), { b: "2" });
});

test("what a client holds stays in responses while something else in its place is withheld", () => {
  const { table, request, take, nonce } = openStream(typeUrls.cluster, { a: "1", b: "1" });
  request({});
  take();
  request({ nonce: nonce() });
  table.set("a", "withheld:2");
  assert.equal(take(), undefined);
  table.set("b", "2");
  assert.deepEqual(contentsOf(take()), { b: "2", a: "1" });
  request({ nonce: nonce() });
  table.set("a", "withheld:3");
  table.set("b", "3");
  assert.deepEqual(contentsOf(take()), { b: "3", a: "1" });
  request({ nonce: nonce() });
  table.set("a", "4");
  assert.deepEqual(contentsOf(take()), { a: "4", b: "3" });
  request({ nonce: nonce() });
  table.set("b", "4");
  assert.deepEqual(contentsOf(take()), { a: "4", b: "4" });
});

test("what came and went before the first response is not in it", () => {
  const { table, request, take } = openStream(typeUrls.listener, { a: "1" });
  request({});
  table.set("b", "1");
  table.delete("b");
  assert.deepEqual(contentsOf(take("present")), { a: "1" });
});
