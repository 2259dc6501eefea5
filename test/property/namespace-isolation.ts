// Two namespaces that may not see each other: whatever is written in one, no byte reaches a proxy of the other.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Config } from "../../src/config/object.ts";
import { formatConfigKey } from "../../src/config/object.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "../../src/model/mesh-settings.ts";
import type { RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { randomConfig } from "../../src/translate/random-mesh.fake.ts";
import { plainPlan } from "./fake-proxy.ts";
import { count, type HistoryProperty } from "./property-run.ts";
import { ServedMesh, servedTypes } from "./served-mesh.ts";

export interface IsolationHistory {
  /** What the watched namespace and the root namespace have. */
  readonly own: readonly Config[];
  /** What happens in the other namespace, batch by batch. */
  readonly other: readonly (readonly Config[])[];
  /** Quarters of them that stay; the others are taken away again at the end, in one batch. */
  readonly keep: number;
  /** Objects hide by what MeshConfig says where they say nothing, in place of saying it themselves. */
  readonly byDefault: boolean;
}

/** Kinds that say themselves who sees them; the others hold for their own namespace, except in the root namespace. */
const exported: ReadonlySet<string> = new Set(["ServiceEntry", "VirtualService", "DestinationRule"]);

function inNamespace(config: Config, namespace: string, exportTo: readonly string[] | undefined): Config {
  const { key, meta, spec } = config;
  return {
    ...config,
    key: { ...key, namespace },
    meta: { ...meta, namespace },
    spec: exportTo === undefined || !exported.has(key.kind) ? spec : { ...(spec as object), exportTo },
  };
}

const hidingSettings: Partial<MeshSettings> = {
  defaultServiceExportTo: ["."],
  defaultVirtualServiceExportTo: ["."],
  defaultDestinationRuleExportTo: ["."],
};

function silent(config: Config): Config {
  const { exportTo: _, ...spec } = config.spec as { exportTo?: unknown };
  return { ...config, spec };
}

/** Without Namespace, which is of no namespace. */
const namespaced = randomConfig.filter(({ key }) => key.kind !== "Namespace");
const watched = fc.oneof(
  { weight: 4, arbitrary: namespaced.map((config) => inNamespace(config, "shop", undefined)) },
  // What is for all is for the watched proxies too.
  { weight: 1, arbitrary: namespaced.map((config) => inNamespace(config, "istio-system", undefined)) },
);
/** Seen in its own namespace, in a third one, or nowhere. */
const hidden = fc
  .tuple(namespaced, fc.constantFrom(["."], ["data"], ["bank"], ["data", "bank"]))
  .map(([config, exportTo]) => {
    const chosen = (config.spec as { workloadSelector?: unknown }).workloadSelector !== undefined;
    return inNamespace(config, "data", config.key.kind === "DestinationRule" && chosen ? ["."] : exportTo);
  });

const watching: readonly RigProxy[] = [
  { name: "web-1", namespace: "shop", ip: "198.18.0.1", labels: { app: "web", version: "v1" }, serviceAccount: "web" },
  {
    name: "api-1",
    namespace: "shop",
    ip: "198.18.0.3",
    ips: ["198.18.0.3", "2001:db8:1::3"],
    labels: { app: "api", tier: "gold" },
    capabilities: ["route-parts"],
  },
];
/** One that has all that is hidden, so that there is something to hide. */
const insider: RigProxy = { name: "web-9", namespace: "data", ip: "198.18.0.2", labels: { app: "web" } };

export const namespaceIsolation: HistoryProperty<IsolationHistory> = {
  name: "isolation: what one namespace hides changes no byte of another's proxies",
  histories: fc.record({
    own: fc.array(watched, { maxLength: 8 }),
    other: fc.array(fc.array(hidden, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
    keep: fc.nat(3),
    byDefault: fc.boolean(),
  }),
  async check({ own, other, keep, byDefault }, counts) {
    const nodes = [...watching, insider];
    const mesh = new ServedMesh(
      nodes.map((node) => ({ node, plan: { ...plainPlan, parts: node.capabilities !== undefined } })),
    );
    const { rig, slots } = mesh;
    const put = (configs: readonly Config[]): void => {
      rig.graph.batch(() => {
        for (const config of configs) rig.put(config);
      });
      mesh.noteMesh();
    };
    try {
      if (byDefault) rig.settings.set(meshSettingsKey, { ...defaultMeshSettings, ...hidingSettings });
      put(own);
      for (const slot of slots) mesh.connect(slot);
      await mesh.drain();
      const outsiders = slots.filter(({ proxy }) => proxy.node !== insider);
      const before = outsiders.map((slot) => contentsOf(slot.view));
      const heard = outsiders.map(({ proxy }) => proxy.messages);
      const insiderHeard = slots.find(({ proxy }) => proxy.node === insider)?.proxy.messages ?? 0;
      for (const batch of other) {
        for (const { key } of batch) count(counts, `hidden ${key.kind}`);
        put(byDefault ? batch.map(silent) : batch);
        await mesh.drain();
      }
      rig.graph.batch(() => {
        for (const [index, { key }] of other.flat().entries()) {
          if (index % 4 >= keep) rig.configs.delete(formatConfigKey(key));
        }
      });
      mesh.noteMesh();
      await mesh.drain();
      for (const [index, slot] of outsiders.entries()) {
        assert.deepEqual(contentsOf(slot.view), before[index], slot.proxy.node.name);
        assert.equal(slot.proxy.messages, heard[index], `${slot.proxy.node.name} was sent something`);
      }
      const seen = (slots.find(({ proxy }) => proxy.node === insider)?.proxy.messages ?? 0) > insiderHeard;
      count(counts, seen ? "the insider was told" : "nobody was told");
    } finally {
      await mesh.stop();
    }
  },
};

function contentsOf(view: ServedMesh["slots"][number]["view"]): string[] {
  if (view === undefined) return [];
  const all = servedTypes.flatMap((typeUrl) =>
    [...view.resources(typeUrl).values()].map(
      ({ name, version, body }) => `${typeUrl} ${name} ${version} ${Buffer.from(body).toString("base64")}`,
    ),
  );
  return all.sort();
}
