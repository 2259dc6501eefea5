import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { collectionSuite } from "./collection.suite.ts";
import type { Collection } from "./collection.ts";
import { Derived } from "./derived.ts";
import { type DerivationFailure, Graph } from "./graph.ts";
import { Overlay } from "./overlay.ts";
import { Source } from "./source.ts";

/** Values of `by` are `KEY=VALUE`: what stands for a key; an empty value leaves it out. */
function overlay(from: Collection<string>, by: Collection<string>): Overlay<string, string> {
  return new Overlay<string, string>({
    name: "overlay",
    from,
    by,
    keysOf: (rule) => [rule.split("=")[0] ?? ""],
    derive: (value, key) => instead(by, key, value),
    equals: (a, b) => a === b,
  });
}

function instead(by: Collection<string>, key: string, value: string): string | undefined {
  for (const rule of [...by.values()].sort()) {
    const [concerned, shown = ""] = rule.split("=");
    if (concerned === key) return shown === "same" ? value : shown || undefined;
  }
  return value;
}

collectionSuite("overlay", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const by = new Source<string>(graph, "by");
  by.set("1", "elsewhere=x");
  const collection = overlay(source, by);
  return {
    collection,
    failures,
    set: (key, value) => source.set(key, value),
    delete: (key) => source.delete(key),
    batch: (fn) => graph.batch(fn),
    dispose: () => collection.dispose(),
    upstreamObservers: () => source.observers + by.observers,
  };
});

test("an overlay shows something else, or nothing, and the input again", () => {
  const graph = new Graph();
  const source = new Source<string>(graph, "source");
  const by = new Source<string>(graph, "by");
  source.set("a", "1");
  source.set("b", "2");
  const shown = overlay(source, by);
  const seen: unknown[] = [];
  shown.subscribe((changes) => seen.push(...changes));
  by.set("1", "a=x");
  by.set("2", "b=");
  assert.deepEqual([...shown.entries()], [["a", "x"]]);
  assert.deepEqual([shown.size, shown.has("b"), [...shown.differences()]], [1, false, ["a", "b"]]);
  source.set("a", "3");
  graph.batch(() => {
    by.delete("1");
    by.delete("2");
  });
  assert.deepEqual([...shown.values()], ["3", "2"]);
  assert.deepEqual(seen, [
    { key: "a", before: "1", after: "x" },
    { key: "b", before: "2", after: undefined },
    { key: "a", before: "x", after: "3" },
    { key: "b", before: undefined, after: "2" },
  ]);
});

test("where what stands instead cannot be made, the value itself stays, and it is told", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const by = new Source<string>(graph, "by");
  source.set("a", "1");
  const shown = new Overlay<string, string>({
    ...{ name: "overlay", from: source, by, equals: (a: string, b: string) => a === b },
    keysOf: (rule) => [rule],
    derive: () => assert.fail("no"),
  });
  by.set("1", "a");
  assert.equal(shown.get("a"), "1");
  assert.deepEqual(
    failures.map(({ collection, key }) => [collection, key]),
    [["overlay", "a"]],
  );
});

test("an overlay over an overlay with the same `by` tells what was shown before, where the input of both changes too", () => {
  const graph = new Graph();
  const source = new Source<string>(graph, "source");
  const by = new Source<string>(graph, "by");
  source.set("a", "1");
  const shown = overlay(overlay(source, by), by);
  const seen: unknown[] = [];
  shown.subscribe((changes) => seen.push(...changes));
  graph.batch(() => {
    source.set("a", "2");
    by.set("1", "a=1");
  });
  graph.batch(() => {
    source.set("a", "3");
    by.delete("1");
  });
  assert.deepEqual(seen, [{ key: "a", before: "1", after: "3" }]);
});

const key = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  fc.record({ of: fc.constant("source" as const), key, value: fc.constantFrom("1", "2", "") }),
  fc.record({
    of: fc.constant("by" as const),
    key: fc.constantFrom("1", "2", "3"),
    value: fc.oneof(
      fc.constant(""),
      fc.tuple(key, fc.constantFrom("x", "y", "", "same")).map(([of, to]) => `${of}=${to}`),
    ),
  }),
);

test("whatever changes together, an overlay shows what its inputs make, and tells exactly what became different", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 12 }),
      fc.nat(11),
      fc.constantFrom("source", "derived", "overlay"),
      (batches, opensAt, input) => {
        const graph = new Graph((failure) => assert.fail(String(failure.error)));
        const source = new Source<string>(graph, "source");
        const by = new Source<string>(graph, "by");
        // Of the height of `by`, and above it; an overlay is dirty for the same change of `by`.
        const from = {
          source: () => source,
          derived: () =>
            new Derived<string, string>({ name: "derived", from: source, derive: (value, of) => [[of, value]] }),
          overlay: () => overlay(source, by),
        }[input]();
        let shown: Overlay<string, string> | undefined;
        const copy = new Map<string, string>();
        for (const [at, batch] of batches.entries()) {
          graph.batch(() => {
            if (at === opensAt) {
              shown = overlay(from, by);
              for (const [of, value] of shown.entries()) copy.set(of, value);
              shown.subscribe((changes) => {
                for (const { key: of, before, after } of changes) {
                  assert.equal(copy.get(of), before, `${of} was something else`);
                  assert.notEqual(before, after);
                  if (after === undefined) copy.delete(of);
                  else copy.set(of, after);
                }
              });
            }
            for (const { of, key: changed, value } of batch) {
              const target = of === "by" ? by : source;
              if (value === "") target.delete(changed);
              else target.set(changed, value);
            }
          });
          if (shown === undefined) continue;
          const expected = [...source.entries()].flatMap(([of, value]) => {
            const made = instead(by, of, value);
            return made === undefined ? [] : [[of, made]];
          });
          assert.deepEqual([...copy].sort(), expected.sort());
          assert.deepEqual([...shown.entries()].sort(), expected.sort());
          assert.equal(shown.size, expected.length);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
