import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "../../collection/collection.ts";
import { Graph } from "../../collection/graph.ts";
import type { Config } from "../../config/object.ts";
import { objectKey } from "../../store/object-key.ts";
import { memoryStore } from "../../store/store.fake.ts";
import type { Store } from "../../store/store.ts";
import { watchStoredObjects } from "./stored-objects.ts";

const location = { group: "security.istio.io", plural: "peerauthentications", namespace: "shop", name: "default" };
const key = objectKey(location);
const configKey = "cluster-1/security.istio.io/PeerAuthentication/shop/default";

function policy(mode: string, name = "default"): string {
  const metadata = { name, namespace: "shop" };
  const spec = { mtls: { mode } };
  return JSON.stringify({ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata, spec });
}

async function put(store: Store, at: string, value: string): Promise<number> {
  const result = await store.txn({ puts: [{ key: at, value }] });
  assert.ok(result.ok);
  return result.revision;
}

test("what is stored is there when the promise resolves, and follows every write", async () => {
  const store = memoryStore();
  const revision = await put(store, key, policy("STRICT"));
  const stored = await watchStoredObjects(store, new Graph(), { source: "cluster-1" });
  assert.deepEqual(stored.objects.get(configKey), {
    key: {
      source: "cluster-1",
      group: "security.istio.io",
      kind: "PeerAuthentication",
      namespace: "shop",
      name: "default",
    },
    meta: { name: "default", namespace: "shop", resourceVersion: String(revision) },
    spec: { mtls: { mode: "STRICT" } },
  });
  const seen: Change<Config>[] = [];
  stored.objects.subscribe((changes) => seen.push(...changes));
  await put(store, key, policy("PERMISSIVE"));
  assert.deepEqual(stored.objects.get(configKey)?.spec, { mtls: { mode: "PERMISSIVE" } });
  await store.txn({ deletes: [key] });
  assert.equal(stored.objects.size, 0);
  assert.equal(seen.length, 2);
  await stored.stop();
  await put(store, key, policy("STRICT"));
  assert.equal(stored.objects.size, 0);
});

test("a value that cannot be read is a problem and costs the others nothing", async () => {
  const store = memoryStore();
  await put(store, key, policy("STRICT"));
  const broken = [
    objectKey({ ...location, name: "not-json" }),
    objectKey({ ...location, name: "other-name" }),
    objectKey({ ...location, group: "unknown.example" }),
    "/objects/odd",
  ];
  await put(store, broken[0] ?? "", "{");
  await put(store, broken[1] ?? "", policy("STRICT"));
  await put(store, broken[2] ?? "", policy("STRICT"));
  await put(store, broken[3] ?? "", policy("STRICT"));
  const stored = await watchStoredObjects(store, new Graph(), { source: "cluster-1" });
  assert.deepEqual([...stored.objects.keys()], [configKey]);
  assert.deepEqual([...stored.problems.keys()].sort(), broken.sort());
  await store.txn({ deletes: broken });
  assert.equal(stored.problems.size, 0);
  await stored.stop();
});

test("an object that today's rules refuse stays in the mesh with a problem", async () => {
  const store = memoryStore();
  await put(store, key, policy("MAYBE"));
  const stored = await watchStoredObjects(store, new Graph(), { source: "cluster-1" });
  assert.equal(stored.objects.size, 1);
  assert.deepEqual(
    stored.problems.get(key)?.map((problem) => problem.path),
    ["spec.mtls.mode"],
  );
  await stored.stop();
});

test("s4-compaction: a watch that fell behind lists again and loses nothing", async () => {
  const store = memoryStore({ historyLimit: 5 });
  const pages = 1005;
  for (let start = 0; start < pages; start += 335) {
    await store.txn({
      puts: Array.from({ length: 335 }, (_, index) => {
        const name = `policy-${start + index}`;
        return { key: objectKey({ ...location, name }), value: policy("STRICT", name) };
      }),
    });
  }
  // Between the two pages of the first list, more is written than the history keeps.
  const list = store.list.bind(store);
  let calls = 0;
  store.list = async (prefix, options) => {
    const page = await list(prefix, options);
    if (calls++ === 0) for (let index = 0; index < 20; index++) await put(store, key, policy("STRICT"));
    return page;
  };
  const stored = await watchStoredObjects(store, new Graph(), { source: "cluster-1" });
  if (stored.objects.size === pages) {
    await new Promise<void>((resolve) => stored.objects.subscribe(() => resolve()));
  }
  assert.equal(stored.objects.size, pages + 1);
  assert.equal(stored.problems.size, 0);
  await stored.stop();
});
