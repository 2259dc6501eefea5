import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../kernel/bytes.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { Deliveries } from "./deliveries.ts";

const { listener, routePart } = typeUrls;

function setUp(typeUrl: string = listener) {
  const answers: string[] = [];
  const deliveries = new Deliveries((_type, nonce, errors) => answers.push(`${nonce} ${errors.join("; ") || "ACK"}`));
  const receive = (nonce: string, versions: Record<string, string>, removed: string[] = []) => {
    const resources = Object.entries(versions).map(([name, version]) => ({
      name,
      version,
      bodyType: typeUrl,
      body: utf8(version),
    }));
    deliveries.add({ typeUrl, nonce, resources, removed });
  };
  const refuse = (name: string, version: string) => deliveries.refuse(typeUrl, { name, version, message: "no" });
  const settle = (...awaited: string[]) => deliveries.settle((_type, name) => awaited.includes(name));
  return { deliveries, receive, refuse, settle, answers };
}

test("a response is answered when all of it is decided, and each only once", () => {
  const { receive, settle, answers } = setUp();
  receive("1", { a: "1", b: "1" }, ["c"]);
  receive("2", {});
  settle("a", "c");
  assert.deepEqual(answers, ["2 ACK"]);
  settle("c");
  settle();
  settle();
  assert.deepEqual(answers, ["2 ACK", "1 ACK"]);
});

test("a refused version is charged to the response that brought it, and to no other", () => {
  const { receive, refuse, settle, answers } = setUp();
  receive("1", { a: "1" });
  receive("2", { a: "2" });
  receive("3", {}, ["a"]);
  assert.equal(refuse("a", "1"), true);
  settle();
  assert.deepEqual(answers, ["1 a: no", "2 ACK", "3 ACK"]);
});

test("a refusal is late where no open response carries it, until the control plane has been told", () => {
  const { receive, refuse, settle } = setUp();
  receive("1", { a: "1" });
  settle();
  assert.equal(refuse("a", "1"), false);
  assert.equal(refuse("a", "1"), true, "told just now");
  receive("2", { a: "1" });
  settle();
  assert.equal(refuse("a", "1"), false, "what was sent again and acknowledged counts as taken");
});

test("a part of routes that is acknowledged takes back that the whole was refused", () => {
  const { receive, refuse, settle, answers } = setUp(routePart);
  receive("1", { "80": "1" });
  assert.equal(refuse("80", "1"), true);
  settle();
  receive("2", { "80/a": "1" });
  assert.equal(refuse("80", "1"), false, "the whole was tried again with it");
  settle();
  assert.deepEqual(answers, ["1 80: no", "2 ACK"]);
});

test("another stream to the control plane knows of no refusal, and gets no answers to the one before", () => {
  const { deliveries, receive, refuse, settle, answers } = setUp();
  receive("1", { a: "1" });
  refuse("a", "1");
  deliveries.clear();
  settle();
  assert.deepEqual(answers, []);
  assert.equal(refuse("a", "1"), false);
});

test("of a control plane that never waits, the oldest response is answered at the limit", () => {
  const { receive, settle, answers } = setUp();
  for (let count = 1; count <= 66; count += 1) receive(`${count}`, { a: `${count}` });
  assert.deepEqual(answers, ["1 ACK", "2 ACK"]);
  settle();
  assert.equal(answers.length, 66);
});
