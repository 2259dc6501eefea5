import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CollectionNode } from "../../src/collection/node.ts";
import type { Config } from "../../src/config/object.ts";
import { formatConfigKey } from "../../src/config/object.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "../../src/model/mesh-settings.ts";
import { MeshRig, type RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { randomConfig } from "../../src/translate/random-mesh.fake.ts";
import { formatConfigRef } from "../../src/xds/config-ref.ts";
import type { ClientView } from "../../src/xds/generator.ts";
import { typeUrls } from "../../src/xds/type-url.ts";

const types = [typeUrls.cluster, typeUrls.endpoint, typeUrls.listener, typeUrls.route, typeUrls.nameTable];

const proxies: readonly RigProxy[] = [
  { name: "web-1", namespace: "shop", ip: "198.18.0.1", labels: { app: "web", version: "v1" } },
  { name: "web-2", namespace: "shop", ip: "198.18.0.2", labels: { app: "web", version: "v2" }, dnsCapture: false },
  { name: "api-1", namespace: "data", ip: "198.18.0.3", labels: { app: "api" } },
];

type Change =
  | { readonly do: "put"; readonly config: Config }
  | { readonly do: "delete"; readonly victim: number }
  | { readonly do: "settings"; readonly settings: Partial<MeshSettings> }
  | { readonly do: "addresses"; readonly host: number; readonly last: number }
  | { readonly do: "open"; readonly proxy: number }
  | { readonly do: "close"; readonly client: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 12, arbitrary: randomConfig.map((config) => ({ do: "put", config }) as const) },
  { weight: 4, arbitrary: fc.nat(20).map((victim) => ({ do: "delete", victim }) as const) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<Partial<MeshSettings>>(
        { outboundTrafficPolicy: "REGISTRY_ONLY" },
        { trustDomainAliases: ["old.example"] },
        { defaultServiceExportTo: ["."] },
        { enableAutoMtls: false },
        {},
      )
      .map((settings) => ({ do: "settings", settings }) as const),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("addresses" as const),
      host: fc.nat(7),
      last: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.nat(proxies.length - 1).map((proxy) => ({ do: "open", proxy }) as const) },
  { weight: 1, arbitrary: fc.nat(3).map((client) => ({ do: "close", client }) as const) },
);

/** Steps are batches: changes that arrive together. */
const history = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 });

const serviceKeys = ["shop", "data"].flatMap((namespace) =>
  ["web.shop.svc.cluster.local", "api.data.svc.cluster.local", "web.data.svc.cluster.local", "pay.example.com"].map(
    (host) => `${namespace}/${host}`,
  ),
);

/** What a client has after each batch, from the events alone. */
class Follower {
  readonly proxy: number;
  readonly view: ClientView;
  readonly copies = new Map<string, Map<string, string>>();
  /** Taken away in the present batch: what comes back in the same batch was never gone, and Envoy must not see it go. */
  readonly removed = new Set<string>();

  constructor(rig: MeshRig, proxy: number) {
    this.proxy = proxy;
    this.view = rig.open(proxies[proxy] as RigProxy);
    for (const type of types) {
      const set = this.view.resources(type);
      const copy = new Map([...set.values()].map(({ name, version }) => [name, version]));
      this.copies.set(type, copy);
      set.subscribe((changes) => {
        const seen = new Set<string>();
        for (const { key, before, after } of changes) {
          assert.ok(!seen.has(key), `${key} is told twice at once`);
          seen.add(key);
          assert.equal(copy.get(key), before?.version, `${key} was something else before`);
          if (after === undefined) {
            copy.delete(key);
            this.removed.add(key);
          } else {
            assert.ok(!this.removed.has(key), `${key} went and came back`);
            copy.set(key, after.version);
          }
        }
      });
    }
  }
}

function versionsOf(view: ClientView): Record<string, string[]> {
  return Object.fromEntries(
    types.map((type) => [
      type.slice(type.lastIndexOf(".") + 1),
      [...view.resources(type).values()]
        .map(({ name, version, sources }) => `${name} ${version} ${sources.map(formatConfigRef).sort().join()}`)
        .sort(),
    ]),
  );
}

function apply(rig: MeshRig, followers: Follower[], step: Change): void {
  switch (step.do) {
    case "put":
      rig.put(step.config);
      return;
    case "delete": {
      const keys = [...rig.configs.keys()];
      const key = keys[step.victim % Math.max(1, keys.length)];
      if (key !== undefined) rig.configs.delete(key);
      return;
    }
    case "settings":
      rig.settings.set(meshSettingsKey, { ...defaultMeshSettings, ...step.settings });
      return;
    case "addresses":
      rig.autoAddresses.set(serviceKeys[step.host] as string, {
        v4: `240.240.0.${step.last}`,
        v6: `2001:2::${step.last}`,
      });
      return;
    case "open":
      followers.push(new Follower(rig, step.proxy));
      return;
    case "close": {
      const [follower] = followers.splice(step.client, 1);
      follower?.view.close();
    }
  }
}

/** The same inputs in a mesh that never saw anything else. */
function fromScratch(rig: MeshRig): MeshRig {
  const fresh = new MeshRig(rig.settings.get(meshSettingsKey) ?? defaultMeshSettings);
  fresh.graph.batch(() => {
    for (const [key, value] of rig.autoAddresses.entries()) fresh.autoAddresses.set(key, value);
    for (const config of [...rig.configs.values()].reverse()) fresh.configs.set(formatConfigKey(config.key), config);
  });
  return fresh;
}

function observersOf(rig: MeshRig): Record<string, number> {
  const nodes = Object.entries(rig.mesh).filter((entry) => entry[1] instanceof CollectionNode);
  return Object.fromEntries(nodes.map(([name, node]) => [name, (node as CollectionNode<unknown>).observers]));
}

describe("a mesh that changes", () => {
  it("gives each proxy what a mesh made from scratch gives it, and tells exactly what became different", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const rig = new MeshRig(defaultMeshSettings);
        const idle = observersOf(rig);
        const followers: Follower[] = [];
        for (const step of steps) {
          // Clients come and go between batches, as they do in the server.
          for (const one of step) if (one.do === "open" || one.do === "close") apply(rig, followers, one);
          rig.graph.batch(() => {
            for (const one of step) if (one.do !== "open" && one.do !== "close") apply(rig, followers, one);
          });
          for (const { view, copies, removed } of followers) {
            removed.clear();
            for (const type of types) {
              const actual = new Map([...view.resources(type).values()].map(({ name, version }) => [name, version]));
              assert.deepEqual(copies.get(type), actual, `events of ${type}`);
            }
          }
        }
        for (const proxy of proxies.keys()) followers.push(new Follower(rig, proxy));
        const fresh = fromScratch(rig);
        for (const { proxy, view } of followers) {
          assert.deepEqual(versionsOf(view), versionsOf(fresh.open(proxies[proxy] as RigProxy)));
        }
        for (const { view } of followers) view.close();
        assert.deepEqual(observersOf(rig), idle);
        assert.deepEqual(
          { ...rig.generator.counts, interned: 0 },
          { scopes: 0, workloads: 0, clients: 0, interned: 0 },
        );
      }),
      { numRuns: 200 },
    );
  });
});
