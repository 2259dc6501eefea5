import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import type { Resource } from "../xds/resource.ts";
import { ViewSet } from "./view-set.ts";

const resource = (name: string, version: string): Resource => ({
  typeUrl: "type",
  name,
  version,
  body: new Uint8Array(),
  sources: [],
});

function setUp() {
  const graph = new Graph((failure) => {
    throw failure.error;
  });
  const [one, two] = [new Source<Resource>(graph, "one"), new Source<Resource>(graph, "two")];
  for (const name of ["a", "b"]) one.set(name, resource(name, "1"));
  const set = new ViewSet([one]);
  const told: string[] = [];
  set.subscribe((changes) => {
    for (const { key, before, after } of changes)
      told.push(`${key} ${before?.version ?? "-"} ${after?.version ?? "-"}`);
  });
  return { one, two, set, told };
}

test("what goes while news is held back, and is back with the other collections, was never gone", () => {
  const { one, two, set, told } = setUp();
  two.set("a", resource("a", "1"));
  two.set("c", resource("c", "1"));
  set.hold();
  one.delete("a");
  one.set("b", resource("b", "2"));
  set.replace([two]);
  assert.deepEqual(told.sort(), ["b 1 -", "c - 1"]);
  two.set("c", resource("c", "2"));
  assert.deepEqual(told.at(-1), "c 1 2");
});

test("what was held back is told once, from what was believed to what is", () => {
  const { one, set, told } = setUp();
  set.hold();
  one.delete("a");
  one.set("a", resource("a", "1"));
  one.set("b", resource("b", "2"));
  one.set("b", resource("b", "3"));
  one.set("c", resource("c", "1"));
  one.delete("c");
  assert.deepEqual(told, []);
  set.release();
  assert.deepEqual(told, ["b 1 3"]);
});

test("what is held back is not seen before it is told", () => {
  const { one, set, told } = setUp();
  const seen = (): string[] => [...set.values()].map(({ name, version }) => `${name} ${version}`).sort();
  set.hold();
  one.delete("a");
  one.set("b", resource("b", "2"));
  one.set("c", resource("c", "1"));
  assert.deepEqual(seen(), ["a 1", "b 1"]);
  assert.deepEqual(
    ["a", "b", "c"].map((name) => set.get(name)?.version),
    ["1", "1", undefined],
  );
  assert.equal(set.size, 2);
  one.delete("b");
  assert.equal(set.size, 2);
  set.release();
  assert.deepEqual(told.sort(), ["a 1 -", "b 1 -", "c - 1"]);
  assert.deepEqual(seen(), ["c 1"]);
  assert.equal(set.size, 1);
});

test("views of equal parts are at one revision as long as nothing changes, and at none while news is held back", () => {
  const { one, two, set } = setUp();
  const other = new ViewSet([two, one]); // nothing is in two
  assert.deepEqual(set.revision(), other.revision());
  const before = set.revision();
  one.set("b", resource("b", "2"));
  assert.notDeepEqual(set.revision(), before);
  assert.deepEqual(set.revision(), other.revision());
  two.set("c", resource("c", "1"));
  assert.notDeepEqual(set.revision(), other.revision());
  set.hold();
  assert.notEqual(set.revision(), undefined);
  one.delete("b");
  assert.equal(set.revision(), undefined);
  set.release();
  assert.equal(set.revision()?.generation, one.generation);
});
