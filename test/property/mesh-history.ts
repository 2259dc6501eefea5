// The graph from configuration to resources, without streams: whatever changed in whatever order, each proxy has what a mesh
// made from scratch gives it, and listeners were told exactly what became different.
import assert from "node:assert/strict";
import fc from "fast-check";
import { CollectionNode } from "../../src/collection/node.ts";
import { defaultMeshSettings } from "../../src/model/mesh-settings.ts";
import { MeshRig, type RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { formatConfigRef } from "../../src/xds/config-ref.ts";
import type { ClientView } from "../../src/xds/generator.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { ComposingClient } from "./composing-client.ts";
import { type Batch, fillFromScratch, makeChange, proxies, randomBatch } from "./mesh-changes.ts";
import { count, type HistoryProperty } from "./property-run.ts";

export const meshTypes = [
  typeUrls.cluster,
  typeUrls.endpoint,
  typeUrls.listener,
  typeUrls.route,
  typeUrls.routePart,
  typeUrls.nameTable,
];

export type MeshStep =
  | { readonly do: "batch"; readonly changes: Batch }
  | { readonly do: "open"; readonly proxy: number }
  | { readonly do: "close"; readonly client: number };

export interface MeshHistory {
  readonly steps: readonly MeshStep[];
  /** How the mesh from scratch is written. */
  readonly order: number;
}

const step: fc.Arbitrary<MeshStep> = fc.oneof(
  { weight: 8, arbitrary: randomBatch.map((changes) => ({ do: "batch", changes }) as const) },
  { weight: 3, arbitrary: fc.nat(proxies.length - 1).map((proxy) => ({ do: "open", proxy }) as const) },
  { weight: 1, arbitrary: fc.nat(3).map((client) => ({ do: "close", client }) as const) },
);

/** What a client has after each batch, from the events alone. */
class Follower {
  readonly proxy: number;
  readonly view: ClientView;
  readonly copies = new Map<string, Map<string, string>>();
  /** Taken away in the present batch: what comes back in the same batch was never gone, and Envoy must not see it go. */
  readonly removed = new Set<string>();
  readonly inParts: ComposingClient;

  constructor(rig: MeshRig, proxy: number) {
    this.proxy = proxy;
    this.view = rig.open(proxies[proxy] as RigProxy);
    this.inParts = new ComposingClient(this.view);
    for (const type of meshTypes) {
      const set = this.view.resources(type);
      const copy = new Map([...set.values()].map(({ name, version }) => [name, version]));
      this.copies.set(type, copy);
      set.subscribe((changes) => {
        const seen = new Set<string>();
        for (const { key, before, after } of changes) {
          const name = `${type} ${key}`;
          assert.ok(!seen.has(key), `${name} is told twice at once`);
          seen.add(key);
          assert.equal(copy.get(key), before?.version, `${name} was something else before`);
          if (after === undefined) {
            copy.delete(key);
            this.removed.add(name);
          } else {
            assert.ok(!this.removed.has(name), `${name} went and came back`);
            copy.set(key, after.version);
          }
        }
      });
    }
  }
}

/** Everything of each resource: its bytes too, whatever its version says. */
function contentsOf(view: ClientView): Record<string, string[]> {
  return Object.fromEntries(
    meshTypes.map((type) => [
      type.slice(type.lastIndexOf(".") + 1),
      [...view.resources(type).values()]
        .map(({ name, version, body, sources, needs }) => {
          const made = sources.map(formatConfigRef).sort().join();
          return [name, version, Buffer.from(body).toString("base64"), made, JSON.stringify(needs)].join(" ");
        })
        .sort(),
    ]),
  );
}

/** Names do not clash, and one version is one content. */
function checkVersions(views: readonly ClientView[], bodies: Map<string, Uint8Array>): void {
  for (const view of views) {
    for (const type of meshTypes) {
      const names = new Set<string>();
      for (const { name, version, body } of view.resources(type).values()) {
        assert.ok(!names.has(name), `${type} ${name} is there twice`);
        names.add(name);
        const known = bodies.get(`${type} ${name} ${version}`);
        if (known === undefined) bodies.set(`${type} ${name} ${version}`, body);
        else if (known !== body)
          assert.ok(Buffer.compare(known, body) === 0, `${type} ${name}: one version, two contents`);
      }
    }
  }
}

function observersOf(rig: MeshRig): Record<string, number> {
  const nodes = Object.entries(rig.mesh).filter((entry) => entry[1] instanceof CollectionNode);
  return Object.fromEntries(nodes.map(([name, node]) => [name, (node as CollectionNode<unknown>).observers]));
}

export const meshHistories: HistoryProperty<MeshHistory> = {
  name: "graph: from scratch, byte for byte",
  histories: fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 14 }), order: fc.nat(31) }),
  check({ steps, order }, counts) {
    // Mostly all scopes are layers; those from scratch are none, so that one is compared with the other.
    const rig = new MeshRig(defaultMeshSettings, undefined, undefined, { alone: order % 4 === 0 ? 1 : 0 });
    const idle = observersOf(rig);
    const followers: Follower[] = [];
    const bodies = new Map<string, Uint8Array>();
    for (const each of steps) {
      count(counts, each.do);
      if (each.do === "open") followers.push(new Follower(rig, each.proxy));
      else if (each.do === "close") followers.splice(each.client, 1)[0]?.view.close();
      else {
        rig.graph.batch(() => {
          for (const change of each.changes) {
            count(counts, change.do === "put" ? `put ${change.config.key.kind}` : change.do);
            makeChange(rig, change);
          }
        });
      }
      checkVersions(
        followers.map(({ view }) => view),
        bodies,
      );
      for (const { view, copies, removed, inParts } of followers) {
        removed.clear();
        inParts.check();
        for (const type of meshTypes) {
          const actual = new Map([...view.resources(type).values()].map(({ name, version }) => [name, version]));
          assert.deepEqual(copies.get(type), actual, `events of ${type}`);
        }
      }
    }
    for (const proxy of proxies.keys()) followers.push(new Follower(rig, proxy));
    const fresh = new MeshRig(defaultMeshSettings, undefined, undefined, { alone: Number.POSITIVE_INFINITY });
    // Half of them see the mesh from scratch come into being.
    const early = order % 4 < 2 ? proxies.map((proxy) => fresh.open(proxy)) : undefined;
    fillFromScratch(fresh, rig, order);
    const expected = (early ?? proxies.map((proxy) => fresh.open(proxy))).map(contentsOf);
    for (const { proxy, view } of followers) assert.deepEqual(contentsOf(view), expected[proxy]);
    for (const { view } of followers) view.close();
    assert.deepEqual(observersOf(rig), idle);
    assert.deepEqual({ ...rig.generator.counts, interned: 0 }, { scopes: 0, workloads: 0, clients: 0, interned: 0 });
  },
};
