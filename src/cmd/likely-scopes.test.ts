import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import type { Config } from "../config/object.ts";
import { likelyScopes } from "./likely-scopes.ts";

function configs(...objects: [kind: string, namespace: string][]): Source<Config> {
  const source = new Source<Config>(new Graph(), "configs");
  for (const [index, [kind, namespace]] of objects.entries()) {
    const key = { source: "files", group: "networking.istio.io", kind, namespace, name: `o${index}` };
    source.set(String(index), { key, meta: { namespace, name: key.name }, spec: {} });
  }
  return source;
}

test("the namespace of the machines is likely, or else the one with most objects", () => {
  const namespaceOf = (source: Source<Config>) => [
    ...new Set(likelyScopes(source).map(({ scope }) => scope.namespace)),
  ];
  assert.deepEqual(namespaceOf(configs()), []);
  assert.deepEqual(namespaceOf(configs(["ServiceEntry", "b"], ["ServiceEntry", "a"], ["VirtualService", "a"])), ["a"]);
  assert.deepEqual(namespaceOf(configs(["ServiceEntry", "a"], ["ServiceEntry", "a"], ["WorkloadGroup", "b"])), ["b"]);
});
