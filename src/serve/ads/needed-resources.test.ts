import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../xds/resource.ts";
import { ResourceTable } from "../../xds/resource-table.fake.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { NeededResources } from "./needed-resources.ts";
import { openTypeStream, receiveRequest, type TypeStream } from "./type-stream.ts";

const { cluster, endpoint } = typeUrls;

function clusters(from: number, count: number): Resource[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `c${from + index}`;
    const needs = [{ typeUrl: endpoint, name }];
    return { typeUrl: cluster, name, version: "1", body: new Uint8Array(), sources: [], needs };
  });
}

/** The type, asked for by a client that says it holds what it asks for. */
function openHeld(typeUrl: string, names: readonly string[]): TypeStream {
  const contents = Object.fromEntries(names.map((name) => [name, "1"]));
  const type = openTypeStream(typeUrl, new ResourceTable(typeUrl, contents), "delta");
  const initialVersions = new Map(Object.entries(contents));
  const plain = { typeUrl, node: undefined, error: undefined, unsubscribe: [], nonce: "", rejection: undefined };
  receiveRequest(type, { ...plain, subscribe: names, initialVersions });
  return type;
}

const closed = (typeUrl: string): TypeStream => openTypeStream(typeUrl, new ResourceTable(typeUrl), "delta");

test("what is needed of a type that is not asked for yet is owed once it is, however often it was needed", () => {
  const needed = new NeededResources();
  const sent = closed(cluster);
  const all = clusters(0, 10);
  for (const list of [all, all, all.slice(3, 5)]) needed.demand(list, sent, [sent]);
  assert.deepEqual(
    sent.awaited.map(({ name }) => name),
    ["c3", "c4"],
  );
  const type = openHeld(endpoint, ["c1", "c4", "other"]);
  needed.opened(type, [sent, type]);
  assert.equal(type.subscription.behindCount, 2);
  const again = openHeld(endpoint, ["c1"]);
  needed.opened(again, [sent, again]);
  assert.equal(again.subscription.behindCount, 0, "it was owed once");
});

test("what is owed is bounded, and what comes first is kept", () => {
  const needed = new NeededResources();
  const sent = closed(cluster);
  for (let from = 0; from < 60_000; from += 3_000) needed.demand(clusters(from, 3_000), sent, [sent]);
  const names = Array.from({ length: 60_000 }, (_, index) => `c${index}`);
  const type = openHeld(endpoint, names);
  needed.opened(type, [sent, type]);
  const owed = type.subscription.behindCount;
  assert.ok(owed >= 15_000 && owed <= 20_000, `${owed}`);
  assert.equal([...type.subscription.behindNames()][0]?.[0], "c0");
});

test("the same names needed again and again take no more room than once", () => {
  const needed = new NeededResources();
  const sent = closed(cluster);
  for (let time = 0; time < 100; time++) needed.demand(clusters(0, 1_000), sent, [sent]);
  needed.demand(clusters(50_000, 10), sent, [sent]);
  const type = openHeld(endpoint, ["c0", "c50009"]);
  needed.opened(type, [sent, type]);
  assert.equal(type.subscription.behindCount, 2);
});
