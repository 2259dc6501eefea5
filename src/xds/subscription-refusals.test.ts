import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf, openStream } from "./subscription-stream.fake.ts";
import { typeUrls } from "./type-url.ts";

test("a rejected resource is not sent again until it changes", () => {
  const { request, take, takeAcked, table, nonce, subscription } = openStream(typeUrls.cluster, { a: "bad" });
  request({});
  take();
  const reply = request({ nonce: nonce(), rejection: "no" });
  assert.equal(reply.kind, "nack");
  assert.deepEqual(reply.kind === "nack" && reply.refused.map((resource) => resource.name), ["a"]);
  assert.deepEqual([...subscription.refused.keys()], ["a"]);
  assert.equal(take(), undefined);
  table.set("a", "good");
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
  assert.equal(subscription.refused.size, 0);
});

test("back to the version before the rejected one is sent: what the client kept is not known", () => {
  const { request, take, takeAcked, table, nonce } = openStream(typeUrls.cluster, { a: "1" });
  request({});
  takeAcked();
  table.set("a", "bad");
  take();
  request({ nonce: nonce(), rejection: "no" });
  table.set("a", "1");
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
});

test("of a rejected message, what the client names goes out alone and the rest together", () => {
  const { request, take, takeAcked, nonce } = openStream(typeUrls.cluster, { a: "1", b: "bad", "a.b": "1", c: "1" });
  request({});
  take();
  const reply = request({ nonce: nonce(), rejection: "Error adding/updating cluster(s) b: no such thing" });
  assert.deepEqual(reply.kind === "nack" && reply.refused, []);
  assert.deepEqual(namesOf(takeAcked()), ["a", "a.b", "c"]);
  assert.deepEqual(namesOf(take()), ["b"]);
  const second = request({ nonce: nonce(), rejection: "no such thing" });
  assert.deepEqual(second.kind === "nack" && second.refused.map((resource) => resource.name), ["b"]);
  assert.equal(take(), undefined);
});

test("what a client gave up before it rejected it is refused by nobody", () => {
  const { request, take, table, subscription, nonce } = openStream(typeUrls.route, { "8080": "bad" });
  request({ subscribe: ["8080"] });
  take();
  request({ unsubscribe: ["8080"] });
  const reply = request({ nonce: nonce(), rejection: "no" });
  assert.equal(reply.kind, "nack");
  assert.equal(subscription.refusing, false);
  assert.equal(subscription.settled, true);
  table.delete("8080");
  assert.equal(take(), undefined);
});

test("what a client gave up is not on trial any more, nor are others found guilty for it", () => {
  const { request, take, takeAcked, subscription, nonce } = openStream(typeUrls.route, { a: "bad", b: "1" });
  request({ subscribe: ["a", "b"] });
  take();
  request({ unsubscribe: ["a"] });
  request({ nonce: nonce(), rejection: "something is wrong" });
  assert.deepEqual(namesOf(takeAcked()), ["b"]);
  assert.equal(subscription.refusing, false);
  const late = openStream(typeUrls.route, { a: "bad", b: "1" });
  late.request({ subscribe: ["a", "b"] });
  late.take();
  late.request({ nonce: late.nonce(), rejection: "something is wrong" });
  late.request({ unsubscribe: ["a", "b"] });
  assert.equal(late.subscription.refusing, false);
  assert.equal(late.subscription.settled, true);
});

test("who refuses what it never held goes on with nothing older of it; who refuses a newer version does", () => {
  const { request, take, takeAcked, table, nonce, subscription } = openStream(typeUrls.listener, { a: "1", b: "1" });
  const refuse = (): unknown => request({ nonce: nonce(), rejection: "cannot bind" });
  request({});
  take();
  refuse();
  assert.equal(subscription.refusing, true, "until it is found which one was meant");
  assert.deepEqual(namesOf(takeAcked()), ["a"]);
  take();
  refuse();
  assert.deepEqual([...subscription.refused.keys()], ["b"]);
  assert.equal(subscription.refusing, false);
  table.set("b", "2");
  take();
  refuse();
  assert.equal(subscription.refusing, false, "nor with the version that it refused before");
  table.set("b", "3");
  assert.deepEqual(namesOf(takeAcked()), ["b"]);
  table.set("b", "4");
  take();
  refuse();
  assert.equal(subscription.refusing, true, "the third is in force");
});

test("an agent that says it holds nothing usable goes on with nothing older", () => {
  const { request, take, nonce, subscription } = openStream(typeUrls.listener, { a: "1" });
  request({ held: { a: "" } });
  take();
  request({ nonce: nonce(), rejection: "cannot bind" });
  assert.deepEqual([...subscription.refused.keys()], ["a"]);
  assert.equal(subscription.refusing, false);
});

test("what changed before it was refused was never held either", () => {
  const { request, take, table, nonce, subscription } = openStream(typeUrls.listener, { a: "1" });
  request({});
  take();
  table.set("a", "2");
  request({ nonce: nonce(), rejection: "cannot bind" });
  take();
  request({ nonce: nonce(), rejection: "cannot bind" });
  assert.deepEqual([...subscription.refused.keys()], ["a"]);
  assert.equal(subscription.refusing, false);
});

test("of a route that was taken back and is there again Envoy may still use the old one", () => {
  const { request, take, takeAcked, table, nonce, subscription } = openStream(typeUrls.route, { r: "1" });
  request({ subscribe: ["r"] });
  takeAcked();
  table.delete("r");
  takeAcked();
  table.set("r", "bad");
  take();
  request({ nonce: nonce(), rejection: "no" });
  assert.equal(subscription.refusing, true);
});

test("of a refused message of several the client may hold some", () => {
  const { request, take, table, nonce, subscription } = openStream(typeUrls.listener, { a: "1" });
  request({});
  take();
  request({ nonce: nonce(), rejection: "no" });
  table.set("b", "1");
  table.set("c", "1");
  take();
  table.set("c", "2");
  request({ nonce: nonce(), rejection: "no" });
  take();
  request({ nonce: nonce(), rejection: "no" });
  take();
  request({ nonce: nonce(), rejection: "no" });
  assert.deepEqual([...subscription.refused.keys()].sort(), ["a", "b", "c"]);
  assert.equal(subscription.refusing, true);
});

test("a client that rejects everything is soon left alone", () => {
  const contents = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`c${index}`, "1"]));
  const { request, take, nonce, subscription } = openStream(typeUrls.cluster, contents);
  request({});
  let messages = 0;
  for (let batch = take(); batch !== undefined; batch = take()) {
    messages += 1;
    request({ nonce: nonce(), rejection: "no" });
  }
  assert.equal(messages, 16);
  assert.equal(subscription.refused.size, 1000);
});

test("what was rejected gets another chance when something was removed, and only one", () => {
  const { request, take, takeAcked, table, nonce } = openStream(typeUrls.listener, { old_80: "1" });
  request({});
  takeAcked();
  table.set("new_80", "1");
  take();
  request({ nonce: nonce(), rejection: "duplicate address" });
  table.delete("old_80");
  assert.deepEqual(takeAcked()?.removed, ["old_80"]);
  assert.deepEqual(namesOf(take()), ["new_80"]);
  request({ nonce: nonce(), rejection: "still" });
  assert.equal(take(), undefined);
});
