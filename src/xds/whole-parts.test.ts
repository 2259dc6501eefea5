import assert from "node:assert/strict";
import { test } from "node:test";
import { ResourceTable } from "./resource-table.fake.ts";
import { routeOfPart } from "./route-part-name.ts";
import { Subscription } from "./subscription.ts";
import type { Reply } from "./subscription-request.ts";
import { typeUrls } from "./type-url.ts";

function openParts(contents: Record<string, string>) {
  const table = new ResourceTable(typeUrls.routePart, contents);
  const subscription = new Subscription(typeUrls.routePart, table, { wholeOf: routeOfPart });
  table.subscribe((changes) => subscription.change(changes));
  let nonce = 0;
  const request = (more: { subscribe?: string[]; nonce?: string; rejection?: string }): Reply =>
    subscription.receive({
      subscribe: more.subscribe ?? [],
      unsubscribe: [],
      initialVersions: new Map(),
      nonce: more.nonce ?? "",
      rejection: more.rejection,
    });
  request({ subscribe: ["*"] });
  return {
    table,
    subscription,
    take: (limitBytes = 1 << 20) => {
      const batch = subscription.take({ nonce: `${++nonce}`, limitBytes, part: "all" });
      return batch === undefined ? undefined : [...batch.resources.map(({ name }) => name), ...batch.removed];
    },
    answer: (rejection?: string) => request({ nonce: `${nonce}`, ...(rejection === undefined ? {} : { rejection }) }),
  };
}

test("heads come before their parts, all in one message, however small it is to be", () => {
  const { take, answer } = openParts({ "80/a": "1", "80": "1", "80/b": "1", "8080/a": "1", "8080": "1" });
  assert.deepEqual(take(1), ["80", "8080"]);
  for (const part of ["80/a", "80/b", "8080/a"]) {
    answer();
    assert.deepEqual(take(1), [part]);
  }
});

test("of a rejected message only what it is about is refused, with its head, and nothing is sent apart", () => {
  const { table, subscription, take, answer } = openParts({ "80": "1", "80/a": "1", "8080": "1", "8080/a": "1" });
  take();
  const reply = answer("80: bad");
  assert.deepEqual(reply.kind === "nack" && reply.refused.map(({ name }) => name), ["80/a", "80"]);
  assert.deepEqual([...subscription.refused.keys()], ["80/a", "80"]);
  assert.equal(take(), undefined);
  table.set("80", "2");
  table.set("80/b", "1");
  assert.deepEqual(take(), ["80", "80/b"]);
  answer("80: still bad");
  assert.deepEqual([...subscription.refused.keys()].sort(), ["80", "80/a", "80/b"]);
});

test("once a head is accepted nothing of it is refused, also what was sent before", () => {
  const { table, subscription, take, answer } = openParts({ "80": "1", "80/a": "1", "80/b": "1" });
  take();
  answer("80: bad");
  table.set("80", "2");
  table.delete("80/a");
  assert.deepEqual(take(), ["80", "80/a"]);
  answer();
  assert.deepEqual([...subscription.refused.keys()], []);
  assert.equal(take(), undefined, "what was not at fault need not be sent again");
  assert.ok(subscription.settled);
});

test("a head that came in an earlier message is refused with the parts that made it bad", () => {
  const { subscription, take, answer } = openParts({ "80": "1", "80/a": "1" });
  take(1);
  answer();
  assert.deepEqual(take(1), ["80/a"]);
  answer("80: bad");
  assert.deepEqual([...subscription.refused.keys()], ["80/a", "80"]);
});
