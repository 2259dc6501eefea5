import assert from "node:assert/strict";
import { test } from "node:test";
import { LateenError } from "../kernel/error.ts";
import { type CollectionBed, collectionSuite } from "./collection.suite.ts";
import type { Collection } from "./collection.ts";
import { Derived } from "./derived.ts";
import { Gradual } from "./gradual.ts";
import { type DerivationFailure, Graph } from "./graph.ts";
import { Group } from "./group.ts";
import { Join } from "./join.ts";
import { Overlay } from "./overlay.ts";
import { Source } from "./source.ts";

function bedOf(
  make: (source: Source<string>) => Collection<string> & { observers: number; dispose?(): void },
): CollectionBed {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const collection = make(source);
  return {
    collection,
    failures,
    set: (key, value) => source.set(key, value),
    delete: (key) => source.delete(key),
    batch: (fn) => graph.batch(fn),
    ...(collection.dispose === undefined ? {} : { dispose: () => collection.dispose?.() }),
    upstreamObservers: () => source.observers,
  };
}

collectionSuite("Source", () => bedOf((source) => source));
collectionSuite("Derived", () =>
  bedOf((from) => new Derived({ name: "derived", from, derive: (value, key) => [[key, value]] })),
);
collectionSuite("Join", () => bedOf((source) => new Join("join", [source])));
collectionSuite("Join, second of two", () =>
  bedOf((source) => new Join("join", [new Source<string>(source.graph, "empty"), source])),
);
collectionSuite("Derived of a Group", () =>
  bedOf((source) => {
    const group = new Group("group", source, (_value, key) => [key]);
    const derived = new Derived({ name: "d", from: group, derive: (values, key) => [[key, values.join()]] });
    return Object.assign(derived, {
      dispose() {
        Derived.prototype.dispose.call(derived);
        assert.equal(group.observers, 0);
        group.dispose();
      },
    });
  }),
);

collectionSuite("Gradual, let through", () =>
  bedOf((source) => {
    const gradual = new Gradual("gradual", source);
    gradual.release(Number.MAX_SAFE_INTEGER);
    return gradual;
  }),
);

/** Disposes all of a chain, the last first. */
function chain<T extends Collection<string> & { observers: number; dispose(): void }>(
  last: T,
  ...before: readonly { dispose(): void }[]
): T {
  const { dispose } = Object.getPrototypeOf(last) as { dispose(): void };
  return Object.assign(last, {
    dispose() {
      dispose.call(last);
      for (const node of before) node.dispose();
    },
  });
}
const same = (name: string, from: Collection<string>, ...uses: Collection<string>[]) =>
  new Derived({
    name,
    from,
    uses,
    derive: (value, key, read) => {
      for (const used of uses) read.get(used, key);
      return [[key, value]];
    },
  });

collectionSuite("Derived of what it also reads", () => bedOf((source) => same("d", source, source)));
collectionSuite("Join of a Derived and of what that is made of", () =>
  bedOf((source) => {
    const derived = same("d", source);
    return chain(new Join("join", [derived, source]), derived);
  }),
);
collectionSuite("Derived of a Join of a Derived of a Group and a Derived, reading both", () =>
  bedOf((source) => {
    const group = new Group("group", source, (_value, key) => [key]);
    const ungrouped = new Derived({ name: "u", from: group, derive: (values, key) => [[key, values.join()]] });
    const derived = same("d", source, ungrouped);
    const join = new Join("join", [derived, ungrouped]);
    return chain(same("last", join, ungrouped, derived, source), join, derived, ungrouped, group);
  }),
);
collectionSuite("Overlay of a Derived by a Group of the same", () =>
  bedOf((source) => {
    const derived = same("d", source);
    const group = new Group("group", source, (_value, key) => [key]);
    const overlay = new Overlay<string, readonly string[]>({
      name: "overlay",
      from: derived,
      by: group,
      keysOf: (values) => values.map(() => "a"),
      derive: (value) => value,
      equals: Object.is,
    });
    return chain(overlay, group, derived);
  }),
);

const isCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LateenError && error.code === code;

test("a group gathers values in order of their keys, and a value may be in several or none", () => {
  const graph = new Graph();
  const source = new Source<{ tags: string[] }>(graph, "source");
  const group = new Group("group", source, (value) => value.tags);
  source.set("b", { tags: ["x", "y"] });
  source.set("a", { tags: ["x"] });
  source.set("none", { tags: [] });
  assert.deepEqual(group.get("x"), [source.get("a"), source.get("b")]);
  assert.deepEqual(group.get("y"), [source.get("b")]);
  source.set("b", { tags: ["y"] });
  assert.deepEqual(group.get("x"), [source.get("a")]);
  source.delete("a");
  assert.equal(group.has("x"), false);
});

test("a value whose groups cannot be told is in none, and the others stay right", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const group = new Group("group", source, (value) => {
    if (value === "bad") throw new RangeError("no groups");
    return [value];
  });
  const after = new Derived({ name: "after", from: group, derive: (values, key) => [[key, values.length]] });
  graph.batch(() => {
    source.set("a", "x");
    source.set("b", "bad");
    source.set("c", "x");
  });
  assert.equal(after.get("x"), 2);
  source.set("b", "x");
  assert.equal(after.get("x"), 3);
  source.set("a", "bad");
  assert.equal(after.get("x"), 2);
  assert.ok(failures.length >= 2);
  assert.ok(failures.every((failure) => failure.collection === "group"));
});

test("a derivation runs for the keys whose inputs changed and for no others", () => {
  const graph = new Graph();
  const source = new Source<string>(graph, "source");
  const other = new Source<string>(graph, "other");
  const runs: string[] = [];
  const derived = new Derived({
    name: "derived",
    from: source,
    uses: [other],
    derive: (value, key, read) => {
      runs.push(key);
      return [[key, `${value} ${read.get(other, value) ?? "-"}`]];
    },
  });
  graph.batch(() => {
    source.set("a", "x");
    source.set("b", "y");
  });
  assert.deepEqual(runs.splice(0), ["a", "b"]);
  other.set("x", "1");
  assert.deepEqual(runs.splice(0), ["a"]);
  assert.equal(derived.get("a"), "x 1");
  other.set("z", "1");
  assert.deepEqual(runs.splice(0), []);
  graph.batch(() => {
    source.set("a", "z");
    other.set("x", "2");
    other.set("z", "2");
  });
  assert.deepEqual(runs.splice(0), ["a"], "once per batch");
  assert.equal(derived.get("a"), "z 2");
});

test("a node sees only settled inputs: a diamond runs once and never mixes old and new", () => {
  const graph = new Graph();
  const source = new Source<number>(graph, "source");
  const left = new Derived({ name: "left", from: source, derive: (value, key) => [[key, value + 1]] });
  const right = new Derived({ name: "right", from: left, derive: (value, key) => [[key, value - 1]] });
  const seen: string[] = [];
  new Derived({
    name: "bottom",
    from: source,
    uses: [left, right],
    derive: (value, key, read) => {
      seen.push(`${value} ${read.get(left, key)} ${read.get(right, key)}`);
      return [];
    },
  });
  source.set("a", 1);
  source.set("a", 5);
  assert.deepEqual(seen, ["1 2 1", "5 6 5"]);
});

test("where two inputs give one key the first in order of key wins, and the other takes over when it goes", () => {
  const graph = new Graph();
  const source = new Source<string>(graph, "source");
  const derived = new Derived({ name: "derived", from: source, derive: (value, key) => [[value, key]] });
  source.set("c", "out");
  source.set("a", "out");
  source.set("b", "out");
  assert.equal(derived.get("out"), "a");
  source.delete("a");
  assert.equal(derived.get("out"), "b");
  source.set("b", "elsewhere");
  assert.equal(derived.get("out"), "c");
  source.delete("c");
  assert.equal(derived.has("out"), false);
});

test("a derivation that throws keeps its last outputs and is run again when what it read is cured", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const switches = new Source<boolean>(graph, "switches");
  const derived = new Derived({
    name: "derived",
    from: source,
    uses: [switches],
    derive: (value, key, read) => {
      if (read.get(switches, "broken") === true) throw new RangeError("broken");
      return [[key, value]];
    },
  });
  source.set("a", "1");
  switches.set("broken", true);
  source.set("a", "2");
  assert.equal(derived.get("a"), "1");
  assert.deepEqual(
    failures.map(({ collection, key }) => [collection, key]),
    [
      ["derived", "a"],
      ["derived", "a"],
    ],
  );
  switches.set("broken", false);
  assert.equal(derived.get("a"), "2");
});

test("reading what was not declared is a failure with a code", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const secret = new Source<string>(graph, "secret");
  new Derived({ name: "derived", from: source, derive: (_value, key, read) => [[key, read.get(secret, "x") ?? ""]] });
  source.set("a", "1");
  assert.ok(isCode("LAT2901")(failures[0]?.error));
});

test("collections of two graphs, and things that are no part of one, do not mix", () => {
  const one = new Source<string>(new Graph(), "one");
  const two = new Source<string>(new Graph(), "two");
  const same = new Source<string>(one.graph, "same");
  const foreign = { ...one, name: "foreign" } as never as Collection<string>;
  const derive = (): [string, string][] => [];
  assert.throws(() => new Join("join", [one, two]), isCode("LAT2902"));
  assert.throws(() => new Join("join", [foreign]), isCode("LAT2902"));
  assert.throws(() => new Derived({ name: "d", from: one, uses: [same, two], derive }), isCode("LAT2902"));
  assert.throws(() => new Derived({ name: "d", from: foreign, derive }), isCode("LAT2902"));
  assert.throws(() => new Group("group", foreign, () => []), isCode("LAT2902"));
  assert.equal(one.observers + two.observers + same.observers, 0, "a refused collection leaves nobody behind");
});

test("replace makes a source equal to a map in one delivery", () => {
  const graph = new Graph();
  const source = new Source<string>(graph, "source");
  source.set("a", "1");
  source.set("b", "1");
  let deliveries = 0;
  source.subscribe(() => {
    deliveries += 1;
  });
  source.replace(
    new Map([
      ["b", "2"],
      ["c", "1"],
    ]),
  );
  assert.equal(deliveries, 1);
  assert.deepEqual([...source.entries()].sort(), [
    ["b", "2"],
    ["c", "1"],
  ]);
});

test("a comparison that throws is reported, and the rest of the graph goes on", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const equals = (): boolean => {
    throw new RangeError("cannot compare");
  };
  new Derived({ name: "broken", from: source, derive: (value, key) => [[key, value]], equals });
  const sound = new Derived({ name: "sound", from: source, derive: (value, key) => [[key, value]] });
  source.set("a", "1");
  source.set("a", "2");
  assert.equal(sound.get("a"), "2");
  assert.ok(failures.every((failure) => failure.collection === "broken"));
  source.set("b", "1");
  assert.equal(sound.get("b"), "1");
});

// A collection is made of collections that are there already, and keeps its own list of them: no order of construction makes
// a cycle. What remains is a derivation that reaches for something later by other means, which is not declared.
test("cycles cannot be built, and a derivation that reads what is made of it is told the way round", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const uses: Collection<string>[] = [];
  const later: Collection<string>[] = [];
  const first = new Derived<string, string>({
    name: "first",
    from: source,
    uses,
    derive: (value, key, read) => [[key, later.map((each) => read.get(each, key)).join() + value]],
  });
  const middle = new Join("middle", [first]);
  const last = same("last", middle);
  uses.push(last); // too late
  source.set("a", "1");
  assert.equal(last.get("a"), "1");
  assert.equal(last.observers, 0, "a list that is changed afterwards declares nothing");
  later.push(last);
  source.set("a", "2");
  assert.equal(last.get("a"), "1", "the last good value stays");
  const [failure] = failures;
  assert.ok(isCode("LAT2901")(failure?.error));
  assert.match(String(failure?.error), /first reads last, which is made of it: first → middle → last/);
  later[0] = first;
  source.set("b", "1");
  assert.match(String(failures.at(-1)?.error), /first reads first, which is made of it: first$/);
});

test("joined collections may be listed in an array that changes afterwards", () => {
  const graph = new Graph();
  const [one, two] = [new Source<string>(graph, "one"), new Source<string>(graph, "two")];
  const inputs: [Collection<string>, ...Collection<string>[]] = [one];
  const join = new Join("join", inputs);
  inputs.push(two, join);
  two.set("a", "1");
  assert.equal(join.has("a"), false);
  assert.equal(two.observers, 0);
});

test("a derivation that fails is run again when a part of a batch cures it, and is told once", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const switches = new Source<boolean>(graph, "switches");
  const derived = new Derived({
    name: "derived",
    from: source,
    uses: [switches],
    derive: (value, key, read) => {
      if (read.get(switches, key) === true) throw new RangeError("broken");
      return [[key, value]];
    },
  });
  const told: string[] = [];
  derived.subscribe((changes) => told.push(changes.map(({ key, after }) => `${key}=${after}`).join()));
  graph.batch(() => {
    switches.set("a", true);
    source.set("a", "1");
    source.set("b", "1");
  });
  assert.deepEqual([told.splice(0), failures.splice(0).length], [["b=1"], 1]);
  graph.batch(() => {
    source.set("a", "2");
    switches.delete("a");
    switches.set("b", true);
    source.delete("b");
  });
  assert.deepEqual(told[0]?.split(",").sort(), ["a=2", "b=undefined"]);
  assert.deepEqual([told.length, failures.length], [1, 0]);
});
