import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCapabilities, parseCapabilities } from "./capability.ts";

test("capabilities are read as they are written, and as HTTP may have changed them on the way", () => {
  assert.deepEqual([...parseCapabilities(formatCapabilities(["a", "b"]))], ["a", "b"]);
  assert.deepEqual([...parseCapabilities([" a ,b", "c"])], ["a", "b", "c"]);
  assert.deepEqual([...parseCapabilities(undefined), ...parseCapabilities(" ,")], []);
});
