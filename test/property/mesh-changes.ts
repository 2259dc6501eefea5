// What may happen to the configuration of a mesh, and the proxies that look at it.
import fc from "fast-check";
import { type Config, formatConfigKey } from "../../src/config/object.ts";
import { type MeshSettings, meshSettingsKey } from "../../src/model/mesh-settings.ts";
import type { MeshRig, RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { randomConfig } from "../../src/translate/random-mesh.fake.ts";
import { randomSettings } from "../../src/translate/random-settings.fake.ts";

export type Change =
  | { readonly do: "put"; readonly config: Config }
  | { readonly do: "delete"; readonly victim: number }
  /** Away and back in one batch, perhaps as something else. */
  | { readonly do: "replace"; readonly victim: number; readonly config: Config }
  /** A WorkloadEntry's labels move to another one. */
  | { readonly do: "relabel"; readonly victim: number; readonly labels: Readonly<Record<string, string>> }
  | { readonly do: "settings"; readonly settings: MeshSettings }
  | { readonly do: "addresses"; readonly host: number; readonly last: number };

/** Changes that arrive together. */
export type Batch = readonly Change[];

const victim = fc.nat(20);

export const randomChange: fc.Arbitrary<Change> = fc.oneof(
  { weight: 24, arbitrary: randomConfig.map((config) => ({ do: "put", config }) as const) },
  { weight: 6, arbitrary: victim.map((chosen) => ({ do: "delete", victim: chosen }) as const) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("replace" as const), victim, config: randomConfig }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("relabel" as const),
      victim,
      labels: fc.constantFrom<Record<string, string>>(
        { app: "web", version: "v1" },
        { app: "web", version: "v2" },
        { app: "api" },
        {},
      ),
    }),
  },
  { weight: 1, arbitrary: randomSettings.map((settings) => ({ do: "settings", settings }) as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("addresses" as const),
      host: fc.nat(11),
      last: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

export const randomBatch: fc.Arbitrary<Batch> = fc.array(randomChange, { minLength: 1, maxLength: 4 });

const hosts = [
  "web.shop.svc.cluster.local",
  "api.data.svc.cluster.local",
  "web.data.svc.cluster.local",
  "pay.example.com",
];
const serviceKeys = ["shop", "data", "istio-system"].flatMap((namespace) =>
  hosts.map((host) => `${namespace}/${host}`),
);

/** Makes one change, in a batch of the rig's graph or outside. */
export function makeChange(rig: MeshRig, change: Change): void {
  const keys = (): string[] => [...rig.configs.keys()];
  switch (change.do) {
    case "put":
      rig.put(change.config);
      return;
    case "delete": {
      const key = nth(keys(), change.victim);
      if (key !== undefined) rig.configs.delete(key);
      return;
    }
    case "replace": {
      const key = nth(keys(), change.victim);
      const before = key === undefined ? undefined : rig.configs.get(key);
      if (key === undefined || before === undefined) return;
      rig.configs.delete(key);
      const { kind } = change.config.key;
      rig.put(kind === before.key.kind ? { ...change.config, key: before.key } : before);
      return;
    }
    case "relabel": {
      const entries = [...rig.configs.values()].filter(({ key }) => key.kind === "WorkloadEntry");
      const before = nth(entries, change.victim);
      if (before !== undefined) rig.put({ ...before, spec: { ...(before.spec as object), labels: change.labels } });
      return;
    }
    case "settings":
      rig.settings.set(meshSettingsKey, change.settings);
      return;
    case "addresses":
      rig.autoAddresses.set(serviceKeys[change.host] as string, {
        v4: `240.240.0.${change.last}`,
        v6: `2001:2::${change.last}`,
      });
  }
}

function nth<T>(all: readonly T[], index: number): T | undefined {
  return all[index % Math.max(1, all.length)];
}

/** Machines that differ in everything that decides what a proxy gets. The third moves between labels as it connects anew. */
export const proxies: readonly RigProxy[] = [
  { name: "web-1", namespace: "shop", ip: "198.18.0.1", labels: { app: "web", version: "v1" }, serviceAccount: "web" },
  { name: "web-2", namespace: "shop", ip: "198.18.0.2", labels: { app: "web", version: "v2" }, dnsCapture: false },
  {
    name: "api-1",
    namespace: "data",
    ip: "198.18.0.3",
    ips: ["198.18.0.3", "2001:db8:1::3"],
    labels: { app: "api", tier: "gold" },
    serviceAccount: "api",
    ports: { http: 8081 },
  },
  { name: "root-1", namespace: "istio-system", ip: "198.18.0.9", capabilities: ["ipv6"] },
  { name: "web-3", namespace: "data", ip: "2001:db8:1::3", labels: { app: "web", tier: "gold" } },
];

/** The same inputs in a mesh that never saw anything else, written in another order. */
export function fillFromScratch(fresh: MeshRig, rig: MeshRig, order: number): void {
  const configs = [...rig.allConfigs.values()];
  const rotated = [...configs.slice(order % (configs.length + 1)), ...configs.slice(0, order % (configs.length + 1))];
  const ordered = order % 2 === 0 ? rotated.reverse() : rotated;
  fresh.graph.batch(() => {
    const settings = rig.settings.get(meshSettingsKey);
    if (settings !== undefined) fresh.settings.set(meshSettingsKey, settings);
    for (const [key, value] of [...rig.autoAddresses.entries()].reverse()) fresh.autoAddresses.set(key, value);
    for (const config of ordered) fresh.configs.set(formatConfigKey(config.key), config);
  });
}
