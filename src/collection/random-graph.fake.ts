// Random graphs and histories, to try collections of every kind with.
import assert from "node:assert/strict";
import fc from "fast-check";
import { sameData } from "../kernel/equal.ts";
import { Derived } from "./derived.ts";
import { Graph } from "./graph.ts";
import { Group } from "./group.ts";
import { Join } from "./join.ts";
import type { CollectionNode } from "./node.ts";
import { Overlay } from "./overlay.ts";
import { Source } from "./source.ts";

/** What all nodes of a random graph hold; a group's lists too. */
export type Value = unknown;
export type Node = CollectionNode<Value>;

/** How a node is made of nodes before it; numbers are taken modulo how many there are. */
export type Plan =
  | { kind: "derived"; from: number; uses: number[]; shape: number; coarse: boolean }
  | { kind: "group"; from: number; by: number }
  | { kind: "join"; of: number[] }
  | { kind: "overlay"; from: number; by: number; shape: number };

export type Step =
  | { kind: "set"; source: number; key: string; value: number }
  | { kind: "delete"; source: number; key: string }
  | { kind: "batch"; steps: Step[] }
  | { kind: "replace"; source: number; contents: [string, number][] };

export const sourceCount = 3;
export const keys = ["a", "b", "c", "d"];

/** A number that depends on every part of a value. */
function digest(value: Value): number {
  let hash = 7;
  for (const character of JSON.stringify(value) ?? "") hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
  return hash;
}

export function makeNode(plan: Plan, nodes: readonly Node[], name: string): Node {
  const at = (index: number): Node => nodes[index % nodes.length] as Node;
  if (plan.kind === "group") {
    const groupsOf = (value: Value): string[] => {
      const hash = digest(value) + plan.by;
      return hash % 5 === 0 ? [] : hash % 3 === 0 ? ["a", "b"] : [keys[hash % keys.length] ?? ""];
    };
    return new Group(name, at(plan.from), groupsOf) as unknown as Node;
  }
  if (plan.kind === "join") {
    const [first = 0, ...rest] = plan.of;
    return new Join<Value>(name, [at(first), ...rest.map(at)]) as Node;
  }
  if (plan.kind === "overlay") {
    const from = at(plan.from);
    const by = at(plan.by);
    // An overlay shows what its input shows, also before that has settled: over another one it may see too early.
    if (from instanceof Overlay) return new Join<Value>(name, [from, by]) as Node;
    const keysOf = (value: Value): string[] => {
      const hash = digest(value) + plan.shape;
      return hash % 4 === 0 ? [] : hash % 3 === 0 ? ["a", "shared"] : [keys[hash % keys.length] ?? ""];
    };
    return new Overlay<Value, Value>({
      name,
      from,
      by,
      keysOf,
      derive: (value, key) => {
        const concerning = [...by.values()].filter((each) => keysOf(each).includes(key)).map(digest);
        const hash = digest([value, concerning.sort()]);
        return hash % 3 === 0 ? value : hash % 3 === 1 ? undefined : ["over", hash % 5];
      },
      equals: sameData,
    }) as Node;
  }
  const used = plan.uses.map(at);
  return new Derived<Value, Value>({
    name,
    from: at(plan.from),
    uses: used,
    derive: (value, key, read) => {
      const hash = digest(value) + plan.shape;
      const parts: Value[] = [plan.coarse ? hash % 2 : value];
      for (const [index, node] of used.entries()) {
        if ((hash + index) % 4 === 0) parts.push(digest(read.all(node)));
        else if ((hash + index) % 4 !== 1) parts.push(read.get(node, keys[hash % keys.length] ?? "") ?? null);
      }
      // One output under its own key, none, or one that rivals those of other inputs.
      if (hash % 7 === 0) return [];
      if (hash % 3 === 0) return [["shared", parts]];
      return [
        [key, parts],
        [keys[hash % keys.length] ?? "", hash % 11],
      ];
    },
  }) as unknown as Node;
}

export function makeGraph(plans: readonly Plan[]): { graph: Graph; sources: Source<Value>[]; nodes: Node[] } {
  const graph = new Graph((failure) => assert.fail(`${failure.collection} ${failure.key}: ${failure.error}`));
  const sources = Array.from({ length: sourceCount }, (_, index) => new Source<Value>(graph, `s${index}`));
  const nodes: Node[] = [...sources];
  for (const [index, plan] of plans.entries()) nodes.push(makeNode(plan, nodes, `n${index}`));
  return { graph, sources, nodes };
}

export const sorted = (entries: Iterable<[string, Value]>): [string, Value][] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

export function perform(step: Step, graph: Graph, sources: readonly Source<Value>[]): void {
  switch (step.kind) {
    case "set":
      sources[step.source]?.set(step.key, step.value);
      return;
    case "delete":
      sources[step.source]?.delete(step.key);
      return;
    case "replace":
      sources[step.source]?.replace(new Map(step.contents));
      return;
    case "batch":
      graph.batch(() => {
        for (const inner of step.steps) perform(inner, graph, sources);
      });
  }
}

/** What a listener believes a collection to hold, from nothing but what it was told. */
export class Mirror {
  readonly contents: Map<string, Value>;
  private readonly node: Node;
  deliveries = 0;

  constructor(node: Node) {
    this.node = node;
    this.contents = new Map(node.entries());
    node.subscribe((changes) => {
      this.deliveries += 1;
      assert.ok(changes.length > 0, `${node.name} tells of nothing`);
      assert.equal(new Set(changes.map((change) => change.key)).size, changes.length, "one change per key");
      for (const { key, before, after } of changes) {
        assert.equal(before, this.contents.get(key), `${node.name} ${key}: before`);
        // Groups, joins and overlays pass on what their inputs take for different, by identity.
        if (!(node instanceof Derived || node instanceof Source)) assert.notEqual(after, before);
        else assert.notDeepEqual(after, before, `${node.name} ${key}: no difference`);
        if (after === undefined) this.contents.delete(key);
        else this.contents.set(key, after);
      }
    });
  }

  check(): void {
    assert.deepEqual(sorted(this.contents), sorted(this.node.entries()), this.node.name);
  }
}

const index = fc.nat({ max: 9 });
export const plan: fc.Arbitrary<Plan> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("derived" as const),
      from: index,
      uses: fc.uniqueArray(index, { maxLength: 2 }),
      shape: fc.nat({ max: 50 }),
      coarse: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("group" as const), from: index, by: fc.nat({ max: 50 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("overlay" as const),
      from: index,
      by: index,
      shape: fc.nat({ max: 50 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("join" as const),
      of: fc.uniqueArray(index, { minLength: 1, maxLength: 3 }),
    }),
  },
);
const source = fc.nat({ max: sourceCount - 1 });
const key = fc.constantFrom(...keys);
const value = fc.nat({ max: 6 });
export const single: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("set" as const), source, key, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), source, key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("replace" as const),
      source,
      contents: fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name }),
    }),
  },
);
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: single },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("batch" as const),
      steps: fc.array(single, { maxLength: 6, size: "max" }),
    }),
  },
);
