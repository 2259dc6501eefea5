import assert from "node:assert/strict";
import { test } from "node:test";
import { checkExportTo } from "./export-to.ts";

const paths = (...exportTo: unknown[]): (string | undefined)[] =>
  checkExportTo(exportTo as string[], { mayHide: true }).map(({ path }) => path);

test("says which words are no namespaces, stand beside others, or come twice", () => {
  assert.deepEqual(paths("shop", ".", "shop"), ["spec.exportTo[2]"]);
  assert.deepEqual(paths("*", "shop"), ["spec.exportTo[0]"]);
  assert.deepEqual(paths("shop", "~"), ["spec.exportTo[1]"]);
  assert.deepEqual(paths("no namespace", ""), ["spec.exportTo[0]", "spec.exportTo[1]"]);
  assert.deepEqual(paths("~"), []);
});

test("leaves what is no text to the schema", () => {
  assert.deepEqual(paths(undefined, null, 5, {}, "shop"), []);
});
