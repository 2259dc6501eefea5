import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  Mirror,
  makeGraph,
  makeNode,
  type Node,
  perform,
  plan,
  single,
  sorted,
  sourceCount,
  step,
} from "./random-graph.fake.ts";

test("after any history every collection holds what a computation from nothing gives, and listeners know it", () => {
  fc.assert(
    fc.property(
      fc.array(plan, { minLength: 1, maxLength: 7, size: "max" }),
      fc.array(step, { minLength: 1, maxLength: 15, size: "max" }),
      (plans, steps) => {
        const live = makeGraph(plans);
        const mirrors = live.nodes.map((node) => new Mirror(node));
        for (const action of steps) {
          for (const mirror of mirrors) mirror.deliveries = 0;
          perform(action, live.graph, live.sources);
          const fresh = makeGraph(plans);
          fresh.graph.batch(() => {
            for (const [at, origin] of live.sources.entries()) {
              for (const [name, held] of origin.entries()) fresh.sources[at]?.set(name, held);
            }
          });
          for (const [at, node] of live.nodes.entries()) {
            assert.deepEqual(sorted(node.entries()), sorted((fresh.nodes[at] as Node).entries()), node.name);
          }
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

test("a collection made in the middle of a history, or of a batch, is as right as one made before it", () => {
  fc.assert(
    fc.property(
      fc.array(plan, { minLength: 1, maxLength: 6, size: "max" }),
      fc.array(single, { maxLength: 10, size: "max" }),
      fc.array(single, { maxLength: 10, size: "max" }),
      fc.array(single, { maxLength: 10, size: "max" }),
      fc.boolean(),
      (plans, settled, before, after, inBatch) => {
        const early = makeGraph(plans);
        const late = makeGraph([]);
        const make = (): void => {
          for (const [at, one] of plans.entries()) late.nodes.push(makeNode(one, late.nodes, `n${at}`));
        };
        for (const action of [...settled, ...before, ...after]) perform(action, early.graph, early.sources);
        for (const action of settled) perform(action, late.graph, late.sources);
        if (inBatch) {
          late.graph.batch(() => {
            for (const action of before) perform(action, late.graph, late.sources);
            make();
            for (const action of after) perform(action, late.graph, late.sources);
          });
        } else {
          for (const action of before) perform(action, late.graph, late.sources);
          make();
          for (const action of after) perform(action, late.graph, late.sources);
        }
        for (const [at, node] of early.nodes.entries()) {
          assert.deepEqual(sorted((late.nodes[at] as Node).entries()), sorted(node.entries()), node.name);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("disposing a graph from its end leaves no observers, and what is left goes on", () => {
  fc.assert(
    fc.property(
      fc.array(plan, { minLength: 1, maxLength: 7, size: "max" }),
      fc.array(single, { maxLength: 6, size: "max" }),
      (plans, steps) => {
        const { graph, sources, nodes } = makeGraph(plans);
        for (const action of steps) perform(action, graph, sources);
        for (const node of nodes.slice(sourceCount).reverse()) {
          assert.equal(node.observers, 0, `${node.name} still has observers`);
          (node as unknown as { dispose(): void }).dispose();
          for (const action of steps.slice(0, 2)) perform(action, graph, sources);
        }
        for (const origin of sources) assert.equal(origin.observers, 0);
      },
    ),
    { numRuns: 200 },
  );
});
