import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OrderedMap } from "./ordered-map.ts";

const key = fc.constantFrom(..."abcdefghij".split("").flatMap((letter) => [letter, `${letter}.z`, `*${letter}`, ""]));
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, value: fc.nat(5) }),
  fc.record({ do: fc.constant("delete" as const), key }),
  fc.constant({ do: "read" as const }),
);

test("whatever is set and deleted, the values come in order of their keys", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const map = new OrderedMap<number>();
      const model = new Map<string, number>();
      for (const action of [...steps, { do: "read" as const }]) {
        if (action.do === "set") {
          map.set(action.key, action.value);
          model.set(action.key, action.value);
        } else if (action.do === "delete") {
          map.delete(action.key);
          model.delete(action.key);
        } else {
          const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
          assert.deepEqual(map.inOrder(), sorted);
          assert.equal(map.size, model.size);
          for (const name of model.keys()) assert.equal(map.get(name), model.get(name));
        }
      }
    }),
    { numRuns: 500 },
  );
});
