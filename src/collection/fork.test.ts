import assert from "node:assert/strict";
import { test } from "node:test";
import { collectionSuite } from "./collection.suite.ts";
import type { Change } from "./collection.ts";
import { Derived } from "./derived.ts";
import { Fixed, FixedLayer } from "./fixed.ts";
import { Fork } from "./fork.ts";
import { type DerivationFailure, Graph } from "./graph.ts";
import { Group } from "./group.ts";
import { Join } from "./join.ts";
import type { CollectionNode } from "./node.ts";
import { Source } from "./source.ts";

/** A derivation that asks who looks at it, as each way of being layered sees it. */
for (const kind of ["derived", "derived of a layer", "join", "group"] as const) {
  collectionSuite(`layer, ${kind}`, () => {
    const failures: DerivationFailure[] = [];
    const graph = new Graph((failure) => failures.push(failure));
    const source = new Source<string>(graph, "source");
    const viewer = new Fixed<true>(graph, "viewer", []);
    const first = new Derived<string, string>({
      name: "first",
      from: source,
      uses: [viewer],
      // Of what is not asked about, and of what is, both are in the suite.
      derive: (value, key, read) => (key !== "a" && read.get(viewer, "me") === true ? [[key, value]] : [[key, value]]),
    });
    const fork = new Fork("me");
    const layer = new FixedLayer<true>("viewer(me)", viewer, new Map([["me", true]]));
    fork.replace(layer);
    const nodes: CollectionNode<unknown>[] = [first as CollectionNode<unknown>];
    if (kind === "derived of a layer") {
      nodes.push(
        new Derived<string, string>({ name: "second", from: first, derive: (value, key) => [[key, value]] }) as never,
      );
    }
    if (kind === "join") nodes.push(new Join("join", [first, source]) as never);
    if (kind === "group") {
      const group = new Group("group", first, (_, key) => [key]);
      nodes.push(
        group as never,
        new Derived<readonly string[], string>({
          name: "list",
          from: group,
          derive: ([value = ""], key) => [[key, value]],
        }) as never,
      );
    }
    for (const node of nodes) fork.add(node);
    const last = nodes.at(-1) as CollectionNode<string>;
    const collection = fork.versionOf(last);
    return {
      collection,
      failures,
      set: (key, value) => source.set(key, value),
      delete: (key) => source.delete(key),
      batch: (fn) => graph.batch(fn),
      dispose: () => {
        fork.dispose();
        for (const node of [...nodes].reverse()) (node as unknown as { dispose(): void }).dispose();
      },
      upstreamObservers: () => source.observers + viewer.observers,
    };
  });
}

/** Services by name, `owner` or `owner!`: those with the mark are for their owner alone. */
function mesh(...names: string[]) {
  const graph = new Graph((failure) => assert.fail(`${failure.collection} ${failure.key}: ${failure.error}`));
  const services = new Source<string>(graph, "services");
  const viewer = new Fixed<true>(graph, "viewer", []);
  let derived = 0;
  const seen = new Derived<string, string>({
    name: "seen",
    from: services,
    uses: [viewer],
    derive: (value, key, read) => {
      derived += 1;
      const own = read.get(viewer, value.replace("!", "")) === true;
      return value.endsWith("!") && !own ? [] : [[key, own ? "mine" : "another's"]];
    },
  });
  const counts = new Derived<string, { what: string; size: number }>({
    name: "texts",
    from: seen,
    derive: (what, key) => [[key, { what, size: what.length }]],
  });
  const forks = names.map((name) => {
    const fork = new Fork(name);
    fork.replace(new FixedLayer<true>(`viewer(${name})`, viewer, new Map([[name, true]])));
    for (const node of [seen, counts]) fork.add(node as CollectionNode<unknown>);
    return { seen: fork.versionOf(seen), texts: fork.versionOf(counts), fork };
  });
  return { graph, services, seen, texts: counts, forks, derived: () => derived };
}

test("only what asks about somebody is derived for them; the rest are the objects of all", () => {
  const { services, texts, forks, derived } = mesh("shop", "data");
  for (let each = 0; each < 100; each++) services.set(`s${each}`, "other");
  assert.equal(derived(), 100);
  services.set("mine", "shop");
  assert.equal(derived(), 102, "once for all, once for the owner");
  const [shop, data] = forks;
  assert.deepEqual(shop?.texts.get("mine"), { what: "mine", size: 4 });
  assert.equal(shop?.texts.get("s7"), texts.get("s7"));
  assert.equal(data?.texts.get("mine"), texts.get("mine"));
  assert.equal(data?.texts.size, 101);
});

test("what is hidden from all is seen by whom it is for, and goes with what hid it", () => {
  const { services, seen, forks } = mesh("shop");
  const shop = forks[0]?.seen;
  assert.ok(shop);
  const told: Change<string>[] = [];
  shop.subscribe((changes) => told.push(...changes));
  services.set("a", "shop!");
  assert.deepEqual([seen.size, shop.size, [...shop.entries()]], [0, 1, [["a", "mine"]]]);
  services.set("a", "data!");
  assert.equal(shop.size, 0);
  services.set("a", "data");
  services.set("a", "shop");
  services.delete("a");
  assert.deepEqual(told, [
    { key: "a", before: undefined, after: "mine" },
    { key: "a", before: "mine", after: undefined },
    { key: "a", before: undefined, after: "another's" },
    { key: "a", before: "another's", after: "mine" },
    { key: "a", before: "mine", after: undefined },
  ]);
});

test("many differences are derived step by step", () => {
  const { services, forks, graph, texts, seen } = mesh();
  assert.equal(forks.length, 0);
  for (let each = 0; each < 100; each++) services.set(`s${each}`, "shop");
  const viewer = [...seen.used][0] as CollectionNode<true>;
  const fork = new Fork("shop");
  fork.replace(new FixedLayer<true>("viewer(shop)", viewer, new Map([["shop", true]])));
  for (const node of [seen, texts]) fork.add(node as CollectionNode<unknown>);
  const mine = (): number => [...fork.versionOf(seen).values()].filter((value) => value === "mine").length;
  assert.equal(mine(), 0);
  assert.equal(fork.fill(30), true);
  assert.equal(mine(), 30);
  graph.batch(() => services.set("s0", "other"));
  while (fork.fill(30));
  assert.equal(mine(), 99);
  assert.deepEqual(fork.versionOf(texts).get("s99"), { what: "mine", size: 4 });
});

test("what throws for one only keeps what all see, until it is tried again", () => {
  const failures: DerivationFailure[] = [];
  const graph = new Graph((failure) => failures.push(failure));
  const source = new Source<string>(graph, "source");
  const viewer = new Fixed<true>(graph, "viewer", []);
  let bad = true;
  const made = new Derived<string, string>({
    name: "made",
    from: source,
    uses: [viewer],
    derive: (value, key, read) => {
      const mine = read.get(viewer, "me") === true;
      if (mine && bad) throw new RangeError("bad");
      return [[key, mine ? `my ${value}` : value]];
    },
  });
  source.set("a", "1");
  const fork = new Fork("me");
  fork.replace(new FixedLayer<true>("viewer(me)", viewer, new Map([["me", true]])));
  fork.add(made as CollectionNode<unknown>);
  const shown = fork.versionOf(made);
  assert.deepEqual([...shown.entries()], [["a", "1"]]);
  assert.equal(failures.length, 1);
  assert.deepEqual([...(failures[0]?.inputs?.() ?? [])], ["1", true]);
  bad = false;
  failures[0]?.retry?.();
  assert.deepEqual([...shown.entries()], [["a", "my 1"]]);
});
