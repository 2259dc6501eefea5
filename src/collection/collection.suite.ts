// What every collection promises, whatever it is made of.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change, Collection } from "./collection.ts";
import type { DerivationFailure } from "./graph.ts";

/** A collection under test, with a way to make it hold what the suite wants. */
export interface CollectionBed {
  readonly collection: Collection<string> & { readonly observers: number };
  readonly failures: readonly DerivationFailure[];
  set(key: string, value: string): void;
  delete(key: string): void;
  batch(fn: () => void): void;
  /** Takes the collection out of its graph, where it is not a source. */
  dispose?(): void;
  /** Observers of what the collection is made of. */
  upstreamObservers(): number;
}

/** @param make a new, empty collection in a graph of its own */
export function collectionSuite(name: string, make: () => CollectionBed): void {
  const record = (bed: CollectionBed): { seen: Change<string>[][]; end: () => void } => {
    const seen: Change<string>[][] = [];
    const end = bed.collection.subscribe((changes) => seen.push([...changes]));
    return { seen, end };
  };

  test(`${name}: holds what it is given`, () => {
    const bed = make();
    assert.equal(bed.collection.size, 0);
    bed.set("a", "1");
    bed.set("b", "2");
    assert.equal(bed.collection.get("a"), "1");
    assert.equal(bed.collection.has("b"), true);
    assert.equal(bed.collection.has("c"), false);
    assert.equal(bed.collection.get("c"), undefined);
    assert.deepEqual([...bed.collection.keys()].sort(), ["a", "b"]);
    assert.deepEqual([...bed.collection.values()].sort(), ["1", "2"]);
    assert.deepEqual([...bed.collection.entries()].sort(), [
      ["a", "1"],
      ["b", "2"],
    ]);
    bed.delete("a");
    assert.equal(bed.collection.size, 1);
  });

  test(`${name}: its generation grows with every change, and stays while there is none`, () => {
    const bed = make();
    const seen = [bed.collection.generation];
    for (const step of [
      () => bed.set("a", "1"),
      () => bed.set("b", "1"),
      () => bed.set("a", "2"),
      () => bed.set("a", "1"),
      () => bed.delete("b"),
      () => bed.delete("a"),
    ]) {
      step();
      seen.push(bed.collection.generation);
      bed.set("a", bed.collection.get("a") ?? "-");
      if (bed.collection.get("a") === "-") bed.delete("a");
    }
    assert.ok(
      seen.every((generation, index) => index === 0 || generation > (seen[index - 1] as number)),
      seen.join(" "),
    );
    const last = bed.collection.generation;
    assert.deepEqual([[...bed.collection.values()], bed.collection.get("a")], [[], undefined]);
    assert.equal(bed.collection.generation, last);
  });

  test(`${name}: a listener hears of what comes after it, once per change`, () => {
    const bed = make();
    bed.set("a", "1");
    const { seen } = record(bed);
    bed.set("a", "2");
    bed.set("b", "1");
    bed.delete("a");
    assert.deepEqual(seen, [
      [{ key: "a", before: "1", after: "2" }],
      [{ key: "b", before: undefined, after: "1" }],
      [{ key: "a", before: "2", after: undefined }],
    ]);
  });

  test(`${name}: nothing is told where nothing became different`, () => {
    const bed = make();
    bed.set("a", "1");
    const { seen } = record(bed);
    bed.set("a", "1");
    bed.delete("none");
    bed.batch(() => {
      bed.set("a", "2");
      bed.set("a", "1");
      bed.set("b", "1");
      bed.delete("b");
      bed.delete("a");
      bed.set("a", "1");
    });
    assert.deepEqual(seen, []);
  });

  test(`${name}: a batch is told at its end, with one change per key`, () => {
    const bed = make();
    bed.set("a", "1");
    const { seen } = record(bed);
    bed.batch(() => {
      bed.set("a", "2");
      bed.batch(() => bed.set("b", "1"));
      bed.set("a", "3");
      assert.deepEqual(seen, []);
    });
    assert.equal(seen.length, 1);
    assert.deepEqual(
      seen[0]?.toSorted((x, y) => (x.key < y.key ? -1 : 1)),
      [
        { key: "a", before: "1", after: "3" },
        { key: "b", before: undefined, after: "1" },
      ],
    );
  });

  test(`${name}: a batch that throws is told as far as it came`, () => {
    const bed = make();
    const { seen } = record(bed);
    assert.throws(
      () =>
        bed.batch(() => {
          bed.set("a", "1");
          throw new RangeError("in mid-batch");
        }),
      RangeError,
    );
    assert.deepEqual(seen, [[{ key: "a", before: undefined, after: "1" }]]);
    bed.set("b", "1");
    assert.equal(seen.length, 2);
  });

  test(`${name}: a subscription ends once and for all, also in mid-delivery`, () => {
    const bed = make();
    const seen: string[] = [];
    const ends: (() => void)[] = [];
    ends.push(
      bed.collection.subscribe(() => {
        seen.push("first");
        for (const end of ends) end();
      }),
    );
    ends.push(bed.collection.subscribe(() => seen.push("second")));
    bed.set("a", "1");
    bed.set("a", "2");
    assert.deepEqual(seen, ["first"]);
    for (const end of ends) end();
    assert.equal(bed.collection.observers, 0);
  });

  test(`${name}: the same listener may subscribe twice and is told twice`, () => {
    const bed = make();
    let told = 0;
    const listener = (): void => {
      told += 1;
    };
    const end = bed.collection.subscribe(listener);
    bed.collection.subscribe(listener);
    bed.set("a", "1");
    assert.equal(told, 2);
    end();
    bed.set("a", "2");
    assert.equal(told, 3);
  });

  test(`${name}: a listener's fault does not cost the others their news`, () => {
    const bed = make();
    bed.collection.subscribe(() => {
      throw new RangeError("a listener's fault");
    });
    const { seen } = record(bed);
    bed.set("a", "1");
    assert.equal(seen.length, 1);
    assert.equal(bed.failures.length, 1);
    bed.set("a", "2");
    assert.equal(seen.length, 2);
  });

  test(`${name}: what a listener changes is told in a delivery of its own`, () => {
    const bed = make();
    const { seen } = record(bed);
    bed.collection.subscribe((changes) => {
      if (changes.some((change) => change.key === "a")) bed.set("b", "from a");
    });
    bed.set("a", "1");
    assert.deepEqual(seen, [
      [{ key: "a", before: undefined, after: "1" }],
      [{ key: "b", before: undefined, after: "from a" }],
    ]);
  });

  test(`${name}: disposing leaves nobody behind`, () => {
    const bed = make();
    const { end } = record(bed);
    bed.set("a", "1");
    end();
    bed.dispose?.();
    assert.equal(bed.collection.observers, 0);
    assert.equal(bed.upstreamObservers(), 0);
    bed.set("a", "2");
  });

  test(`${name}: a key that goes and comes back in one batch was never away`, () => {
    const bed = make();
    bed.set("a", "1");
    bed.set("b", "1");
    const { seen } = record(bed);
    bed.batch(() => {
      bed.delete("a");
      bed.set("a", "2");
      bed.delete("b");
      bed.set("b", "1");
      bed.set("c", "1");
      bed.delete("c");
      bed.set("c", "2");
    });
    assert.equal(seen.length, 1);
    assert.deepEqual(
      seen[0]?.toSorted((x, y) => (x.key < y.key ? -1 : 1)),
      [
        { key: "a", before: "1", after: "2" },
        { key: "c", before: undefined, after: "2" },
      ],
    );
    bed.delete("a");
    bed.set("a", "2");
    assert.deepEqual(seen.slice(1), [
      [{ key: "a", before: "2", after: undefined }],
      [{ key: "a", before: undefined, after: "2" }],
    ]);
  });

  test(`${name}: one batch's news is told before that of changes which its listeners make`, () => {
    const bed = make();
    const order: string[] = [];
    bed.collection.subscribe((changes) => {
      order.push(changes.map(({ key, after }) => `${key}=${after}`).join());
      if (order.length > 3) return;
      bed.set("n", String(order.length));
      bed.delete("n");
      bed.batch(() => {
        bed.set("n", String(order.length));
        bed.set("m", String(order.length));
      });
    });
    bed.set("a", "1");
    // Whatever a listener does is one delivery: it is in the middle of one itself.
    assert.deepEqual(order, ["a=1", "n=1,m=1", "n=2,m=2", "n=3,m=3"]);
  });

  test(`${name}: is taken out in mid-batch, and by a listener, without a trace`, () => {
    for (const inBatch of [true, false]) {
      const bed = make();
      const { dispose } = bed;
      if (dispose === undefined) return;
      bed.set("a", "1");
      const { seen, end } = record(bed);
      if (inBatch) {
        bed.batch(() => {
          bed.set("a", "2");
          end();
          dispose();
          bed.set("b", "1");
        });
        assert.deepEqual(seen, []);
      } else {
        end();
        const leave = bed.collection.subscribe(() => {
          leave();
          dispose();
        });
        bed.set("a", "2");
      }
      bed.set("a", "3");
      bed.delete("a");
      assert.deepEqual(bed.failures, []);
      assert.equal(bed.collection.observers + bed.upstreamObservers(), 0);
    }
  });
}
