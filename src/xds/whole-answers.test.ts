import assert from "node:assert/strict";
import { test } from "node:test";
import { NamePool } from "./name-pool.ts";
import { ResourceTable } from "./resource-table.fake.ts";
import type { Sharing } from "./sharing.ts";
import { namesOf, openStreamOn } from "./subscription-stream.fake.ts";
import { typeUrls } from "./type-url.ts";
import { WholeAnswers } from "./whole-answers.ts";

const contents = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, "1"]));
const newSharing = (): Sharing => ({ names: new NamePool(), answers: new WholeAnswers() });

test("clients that hold nothing and want everything are sent the same list, until something changes", () => {
  const table = new ResourceTable(typeUrls.cluster, contents(5));
  const sharing = newSharing();
  const first = (): readonly unknown[] | undefined => {
    const stream = openStreamOn(table, sharing);
    stream.request({});
    return stream.takeAcked()?.resources;
  };
  const list = first();
  assert.equal(list?.length, 5);
  assert.equal(first(), list);
  table.set("n2", "2");
  const newer = first();
  assert.notEqual(newer, list);
  assert.equal(newer?.[2], table.get("n2"));
  assert.equal(first(), newer);
  table.set("n3", "withheld");
  assert.equal(first()?.length, 4);
  assert.deepEqual(sharing.answers.counts.hits, 2);
});

test("who asks by name shares the list with those whose request is known to be the same, and with nobody else", () => {
  const table = new ResourceTable(typeUrls.endpoint, contents(20));
  const sharing = newSharing();
  const asked = Array.from({ length: 18 }, (_, index) => `n${index + 1}`);
  const open = (subscribe: readonly string[]) => {
    const stream = openStreamOn(table, sharing);
    stream.request({ subscribe });
    const list = stream.takeAcked()?.resources;
    stream.subscription.shareNames(sharing.names);
    return { ...stream, list };
  };
  const own = open(asked);
  const [second, third] = [open(asked), open(asked)];
  assert.deepEqual(second.list, own.list);
  assert.equal(third.list, second.list);
  assert.equal(third.subscription.wantedNames, own.subscription.wantedNames);
  assert.equal(third.subscription.namesLength, own.subscription.namesLength);
  assert.equal(open(asked.slice(1)).list?.length, 17);
  // What one wants from now on is its own affair.
  third.request({ unsubscribe: ["n1"], subscribe: ["n0"] });
  assert.deepEqual(namesOf(third.takeAcked()), ["n0"]);
  assert.equal(second.subscription.wants("n1"), true);
  assert.equal(second.subscription.wants("n0"), false);
  assert.equal(open(asked).list, second.list);
});

test("a name that is not there is told to everyone, though all else is shared", () => {
  const table = new ResourceTable(typeUrls.endpoint, contents(5));
  const sharing = newSharing();
  const subscribe = ["n0", "n1", "n2", "n3", "gone"];
  for (let time = 0; time < 3; time++) {
    const stream = openStreamOn(table, sharing);
    stream.request({ subscribe });
    const batch = stream.takeAcked();
    assert.deepEqual([batch?.resources.length, batch?.removed], [4, ["gone"]]);
    stream.subscription.shareNames(sharing.names);
  }
});

test("a message that is given back is owed to the client as before", () => {
  const table = new ResourceTable(typeUrls.cluster, contents(4));
  const sharing = newSharing();
  for (let time = 0; time < 2; time++) {
    const stream = openStreamOn(table, sharing);
    stream.request({});
    assert.equal(stream.take()?.resources.length, 4);
    stream.subscription.giveBack();
    table.delete("n3");
    assert.deepEqual(namesOf(stream.takeAcked()), ["n0", "n1", "n2"]);
    table.set("n3", "1");
  }
});

test("few lists are kept, and none that nobody asks for", () => {
  const sharing = newSharing();
  const start = (table: ResourceTable): void => {
    const stream = openStreamOn(table, sharing);
    stream.request({});
    stream.takeAcked();
  };
  for (let index = 0; index < 100; index++) start(new ResourceTable(typeUrls.cluster, contents(3)));
  assert.equal(sharing.answers.counts.kept, sharing.answers.counts.limit);
  const last = new ResourceTable(typeUrls.cluster, contents(3));
  start(last);
  sharing.answers.expire(10_000);
  start(last);
  sharing.answers.expire(20_000);
  assert.equal(sharing.answers.counts.kept, 1);
  sharing.answers.expire(30_000);
  assert.equal(sharing.answers.counts.kept, 0);
});
