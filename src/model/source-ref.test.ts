import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../config/object.ts";
import { byAge } from "./source-ref.ts";

function config(name: string, creationTimestamp?: string): Config {
  const key = { source: "c", group: "g", kind: "VirtualService", namespace: "shop", name };
  const meta = { name, namespace: "shop", ...(creationTimestamp === undefined ? {} : { creationTimestamp }) };
  return { key, meta, spec: {} };
}

test("the oldest object comes first; objects of files, which have no age, come last and by name", () => {
  const all = [config("b"), config("a"), config("new", "2026-02-01T00:00:00Z"), config("old", "2026-01-01T00:00:00Z")];
  assert.deepEqual(
    all.sort(byAge).map(({ key }) => key.name),
    ["old", "new", "a", "b"],
  );
});
