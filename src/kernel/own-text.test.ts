import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ownText } from "./own-text.ts";

test("a text is the same, whatever is in it", () => {
  for (const text of [
    "",
    "short",
    "a longer text",
    'é"\\\n\u2028\0 and more of it',
    "half a pair: \ud800, and the other",
  ]) {
    assert.equal(ownText(text), text);
  }
});

test("a piece of a long text does not keep the whole of it in memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const megabyte = 1 << 20;
  const heldBy = (piece: (text: string) => string): number => {
    collect();
    const before = process.memoryUsage().heapUsed;
    const pieces = Array.from({ length: 32 }, (_, number) => piece(String(number).padEnd(megabyte, "xyz")));
    collect();
    const held = process.memoryUsage().heapUsed - before;
    assert.equal(pieces.length, 32);
    return held / megabyte;
  };
  const cut = (text: string): string => text.slice(100, 140);
  assert.ok(heldBy(cut) > 16, "or there is nothing to do any more");
  assert.ok(heldBy((text) => ownText(cut(text))) < 4);
});
