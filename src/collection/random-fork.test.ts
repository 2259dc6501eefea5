import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Derived } from "./derived.ts";
import { Fixed, FixedLayer } from "./fixed.ts";
import { Fork } from "./fork.ts";
import { Graph } from "./graph.ts";
import { Join } from "./join.ts";
import {
  keys,
  Mirror,
  makeNode,
  type Node,
  perform,
  plan,
  type Step,
  single,
  sorted,
  step,
  type Value,
} from "./random-graph.fake.ts";
import { Source } from "./source.ts";

const sourceCount = 3;
type Difference = readonly (readonly [string, number])[];

/** An overlay cannot be forked. */
const forkable = plan.filter(({ kind }) => kind !== "overlay");
const plans = fc.array(forkable, { minLength: 1, maxLength: 7, size: "max" });
const difference: fc.Arbitrary<Difference> = fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), fc.nat({ max: 6 })), {
  maxLength: 3,
  selector: ([key]) => key,
});

function makeSources(): { graph: Graph; sources: Source<Value>[] } {
  const graph = new Graph((failure) => assert.fail(`${failure.collection} ${failure.key}: ${failure.error}`));
  return { graph, sources: Array.from({ length: sourceCount }, (_, at) => new Source<Value>(graph, `s${at}`)) };
}

/** Nodes over the sources; the first input is a collection that forks replace. */
function makeNodes(
  plans: readonly Parameters<typeof makeNode>[0][],
  sources: readonly Source<Value>[],
  first: Node,
): Node[] {
  const nodes: Node[] = [first, ...sources.slice(1)];
  for (const [at, one] of plans.entries()) nodes.push(makeNode(one, nodes, `n${at}`));
  return nodes;
}

function makeBase(plans: readonly Parameters<typeof makeNode>[0][]) {
  const { graph, sources } = makeSources();
  const first = new Derived<Value, Value>({
    name: "first",
    from: sources[0] as Source<Value>,
    derive: (value, key) => [[key, value]],
  });
  return { graph, sources, nodes: makeNodes(plans, sources, first as unknown as Node) };
}

function forkOf(nodes: readonly Node[], instead: Difference, atOnce: number, awake = true): Fork {
  const fork = new Fork("fork", atOnce);
  fork.replace(new FixedLayer<Value>("other-first", nodes[0] as Node, new Map(instead), awake));
  for (const node of nodes.slice(1)) fork.add(node);
  return fork;
}

/** What a fork must show: the same nodes made of the other first collection. */
function makeExpected(
  plans: readonly Parameters<typeof makeNode>[0][],
  instead: Difference,
  origin: readonly Source<Value>[],
): Node[] {
  const { graph, sources } = makeSources();
  const fixed = new Fixed<Value>(graph, "fixed", instead);
  const first = new Join<Value>("first", [fixed, sources[0] as Source<Value>]);
  const nodes = makeNodes(plans, sources, first as unknown as Node);
  graph.batch(() => {
    for (const [at, source] of origin.entries())
      for (const [key, value] of source.entries()) sources[at]?.set(key, value);
  });
  return nodes;
}

function check(base: readonly Node[], fork: Fork, expected: readonly Node[]): void {
  for (const [at, node] of base.entries()) {
    const shown = fork.versionOf(node);
    const wanted = sorted((expected[at] as Node).entries());
    assert.deepEqual(sorted(shown.entries()), wanted, node.name);
    assert.equal(shown.size, wanted.length, `${node.name}: size`);
    for (const [key, value] of wanted) assert.deepEqual(shown.get(key), value);
  }
}

test("after any history a fork holds what its collections made anew of its inputs hold, and listeners know it", () => {
  fc.assert(
    fc.property(
      plans,
      fc.array(difference, { minLength: 1, maxLength: 3 }),
      fc.array(step, { minLength: 1, maxLength: 15, size: "max" }),
      (plans, differences, steps) => {
        const { graph, sources, nodes } = makeBase(plans);
        const forks = differences.map((instead) => forkOf(nodes, instead, 16));
        const mirrors = forks.flatMap((fork) => nodes.map((node) => new Mirror(fork.versionOf(node))));
        for (const action of steps) {
          for (const mirror of mirrors) mirror.deliveries = 0;
          perform(action, graph, sources);
          for (const [at, fork] of forks.entries())
            check(nodes, fork, makeExpected(plans, differences[at] ?? [], sources));
          for (const mirror of mirrors) {
            mirror.check();
            assert.ok(mirror.deliveries <= 1, "one delivery per batch");
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("a fork made in the middle of a history, or of a batch, and filled step by step, is as right as another", () => {
  const some = fc.array(single, { maxLength: 8, size: "max" });
  fc.assert(
    fc.property(
      plans,
      difference,
      fc.tuple(some, some, some, some),
      fc.boolean(),
      fc.nat({ max: 3 }),
      fc.boolean(),
      (plans, instead, [settled, before, after, filling], inBatch, atOnce, awake) => {
        const { graph, sources, nodes } = makeBase(plans);
        const act = (steps: readonly Step[]): void => {
          for (const action of steps) perform(action, graph, sources);
        };
        act(settled);
        let fork: Fork | undefined;
        const make = (): void => {
          act(before);
          fork = forkOf(nodes, instead, atOnce, awake);
          act(after);
        };
        if (inBatch) graph.batch(make);
        else make();
        assert.ok(fork);
        const mirrors = nodes.map((node) => new Mirror((fork as Fork).versionOf(node)));
        for (const action of filling) {
          act([action]);
          fork.fill(1);
        }
        while (fork.fill(1));
        check(nodes, fork, makeExpected(plans, instead, sources));
        act(after);
        check(nodes, fork, makeExpected(plans, instead, sources));
        for (const mirror of mirrors) mirror.check();
        fork.dispose();
        for (const node of nodes)
          for (const each of node.dependants) assert.ok(nodes.includes(each as Node), node.name);
      },
    ),
    { numRuns: 400 },
  );
});
