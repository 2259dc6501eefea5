// From objects to the proxies' own state: whatever changes, is cut, refused, given up and asked for again, in whatever order
// messages arrive, what a proxy uses never points to what it does not have, and in the end it has what a mesh made from
// scratch gives it.
import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultMeshSettings } from "../../src/model/mesh-settings.ts";
import { MeshRig, type RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { isRouteHead } from "../../src/xds/route-part-name.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import type { ProxyPlan } from "./fake-proxy.ts";
import { type Batch, fillFromScratch, makeChange, proxies, randomBatch } from "./mesh-changes.ts";
import { type Counts, count, type HistoryProperty } from "./property-run.ts";
import { layerMachines, ServedMesh, type Slot, servedTypes } from "./served-mesh.ts";

export type ServedStep =
  | { readonly do: "batch"; readonly changes: Batch }
  | { readonly do: "connect"; readonly slot: number }
  /** `notices`: the server learns of it at once. */
  | { readonly do: "cut"; readonly slot: number; readonly notices: boolean }
  | { readonly do: "notice" }
  /** A new process in place of the old one, which knows nothing. */
  | { readonly do: "restart"; readonly slot: number }
  /** The machine comes back with other labels. */
  | { readonly do: "move"; readonly slot: number; readonly labels: Readonly<Record<string, string>> }
  /** Each number chooses which of the messages under way arrives next. */
  | { readonly do: "deliver"; readonly picks: readonly number[] }
  | { readonly do: "wait"; readonly ms: number }
  /** Only where `holdMs` is. */
  | { readonly do: "silence" };

export interface ServedHistory {
  readonly plans: readonly ProxyPlan[];
  readonly steps: readonly ServedStep[];
  /** How the mesh from scratch is written. */
  readonly order: number;
  /** Longest that one type of a stream waits for others; for ever where it is left out. */
  readonly holdMs?: number | undefined;
  /** Longest message; short where it is left out. */
  readonly responseBytes?: number | undefined;
}

/** Clusters that a client without listeners asks for. */
const fewClusters = ["outbound|80||web.shop.svc.cluster.local", "outbound|80|v1|web.shop.svc.cluster.local", "nowhere"];

export const nodes: readonly RigProxy[] = [
  { ...(proxies[0] as RigProxy), group: "one" },
  proxies[1] as RigProxy,
  { ...(proxies[2] as RigProxy), group: "two" },
  proxies[3] as RigProxy,
  // Sees what the one before it sees, so that they have in common what streams can have.
  { ...(proxies[3] as RigProxy), name: "root-2", ip: "198.18.0.10" },
];
export const refusable = [typeUrls.cluster, typeUrls.endpoint, typeUrls.listener, typeUrls.route];

const plan: fc.Arbitrary<ProxyPlan> = fc
  .record({
    variant: fc.constantFrom("delta", "delta", "sotw"),
    patient: fc.boolean(),
    eager: fc.boolean(),
    aloud: fc.boolean(),
    only: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, fewClusters),
    refuses: fc.option(fc.record({ typeUrl: fc.constantFrom(...refusable), residue: fc.nat(2) }), {
      nil: undefined,
      freq: 4,
    }),
    parts: fc.boolean(),
    explains: fc.boolean(),
    partial: fc.boolean(),
  })
  .map((chosen): ProxyPlan => {
    if (chosen.variant === "delta") return { ...chosen, variant: "delta", parts: chosen.parts && !chosen.only };
    // In state of the world nothing is sent in parts: who takes no part of a bad message takes nothing ever after. And a
    // request for more load assignments that a response overtakes is lost, so that only who is patient gets them in time.
    return { ...chosen, variant: "sotw", partial: true, patient: true, parts: false };
  });

const slot = fc.nat(nodes.length - 1);
const deliver = fc.record({
  do: fc.constant("deliver" as const),
  picks: fc.array(fc.nat(11), { minLength: 1, maxLength: 24 }),
});
export const randomStep: fc.Arbitrary<ServedStep> = fc.oneof(
  { weight: 8, arbitrary: randomBatch.map((changes) => ({ do: "batch", changes }) as const) },
  { weight: 8, arbitrary: deliver },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("connect" as const), slot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const), slot, notices: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: "notice" } as const) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), slot }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("move" as const),
      slot,
      labels: fc.constantFrom<Record<string, string>>({ app: "web", version: "v2" }, { app: "api", tier: "gold" }, {}),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(100, 1_000, 11_000) }) },
);

export async function makeStep(mesh: ServedMesh, each: ServedStep, counts: Counts): Promise<void> {
  count(counts, each.do === "cut" && !each.notices ? "cut unnoticed" : each.do);
  const at = (index: number): Slot => mesh.slots[index % mesh.slots.length] as Slot;
  switch (each.do) {
    case "batch":
      mesh.rig.graph.batch(() => {
        for (const change of each.changes) makeChange(mesh.rig, change);
      });
      return;
    case "connect":
      mesh.connect(at(each.slot));
      return;
    case "cut":
      mesh.cut(at(each.slot), each.notices);
      return;
    case "notice":
      mesh.notice();
      return;
    case "restart":
      mesh.cut(at(each.slot), true);
      at(each.slot).proxy.restart();
      mesh.connect(at(each.slot));
      return;
    case "move":
      mesh.cut(at(each.slot), true);
      at(each.slot).proxy.node = { ...at(each.slot).proxy.node, labels: each.labels };
      mesh.connect(at(each.slot));
      return;
    case "deliver":
      for (const pick of each.picks) {
        await mesh.turn();
        const waiting = mesh.deliveries();
        if (waiting.length === 0) return;
        waiting[pick % waiting.length]?.();
        mesh.noteMesh();
        count(counts, "message");
      }
      return;
    case "wait":
      await mesh.clock.advance(each.ms);
      return;
    case "silence":
      await mesh.silence();
  }
}

/** Connects who is not, without a group where its machine is not taken in, and lets everything arrive. */
export async function bringToRest(mesh: ServedMesh): Promise<void> {
  mesh.notice();
  await mesh.drain();
  for (let rounds = 0; mesh.slots.some(({ pair }) => pair === undefined); rounds++) {
    for (const each of mesh.slots) {
      if (each.pair !== undefined) continue;
      if (rounds > 0) {
        const { group: _, ...node } = each.proxy.node;
        each.proxy.node = node;
      }
      mesh.connect(each);
    }
    await mesh.drain();
    // Machines that are registered late change the mesh for all.
    await mesh.clock.advance(1_000);
    mesh.noteMesh();
    await mesh.drain();
  }
  await mesh.drain();
}

/** What the proxy is to hold, by type: name to fingerprint. */
function expected(slotOf: Slot, resources: (typeUrl: string) => Iterable<{ name: string; body: Uint8Array }>) {
  const { proxy, timeline } = slotOf;
  return (typeUrl: string): Map<string, string> => {
    const interest = proxy.interestIn(typeUrl);
    const all = [...resources(typeUrl)].filter(({ name }) => interest === undefined || interest.has(name));
    return new Map(all.map(({ name, body }) => [name, timeline.printOf(body)]));
  };
}

export function compareWithScratch(mesh: ServedMesh, order: number): void {
  const fresh = new MeshRig(defaultMeshSettings, undefined, undefined, { alone: Number.POSITIVE_INFINITY });
  fillFromScratch(fresh, mesh.rig, order);
  const generator = layerMachines(fresh.generator, mesh.rig.configs);
  for (const each of mesh.slots) {
    const { proxy } = each;
    // What a stream's node says is read by the server; a second reading must say the same.
    const view = openLike(generator, proxy.node, fresh);
    const wanted = expected(each, (typeUrl) => view.resources(typeUrl).values());
    for (const typeUrl of servedTypes) {
      if (proxy.plan.only !== undefined && typeUrl !== typeUrls.cluster && typeUrl !== typeUrls.endpoint) continue;
      if (typeUrl === typeUrls.routePart && !proxy.plan.parts) continue;
      const should = wanted(typeUrl);
      const held = new Map([...proxy.heldOf(typeUrl)].map(([name, { print }]) => [name, print]));
      // Of a machine's own resource, state of the world cannot say that it is gone.
      if (typeUrl === typeUrls.machine && proxy.plan.variant === "sotw" && should.size === 0) continue;
      if (proxy.plan.refuses === undefined) {
        assert.deepEqual(new Map([...held].sort()), new Map([...should].sort()), `${proxy.node.name} ${typeUrl}`);
        continue;
      }
      for (const [name, print] of should) {
        if (proxy.refuses(typeUrl, name, print)) assert.notEqual(held.get(name), print, `${name} is refused`);
        else assert.equal(held.get(name), print, `${proxy.node.name} ${typeUrl} ${name}`);
      }
    }
    for (const [name, held] of proxy.heldOf(typeUrls.routePart)) {
      if (isRouteHead(name)) assert.ok(proxy.agrees(name, held), `${proxy.node.name}: route ${name} is not whole`);
    }
    view.close();
  }
}

function openLike(generator: ReturnType<typeof layerMachines>, node: RigProxy, rig: MeshRig) {
  const client = rig.clientOf(node);
  return generator.open({ ...client, identities: ["proven"] }, "scratch");
}

const stepOfShortHold: fc.Arbitrary<ServedStep> = fc.oneof(
  { weight: 9, arbitrary: randomStep },
  { weight: 1, arbitrary: fc.constant({ do: "silence" } as const) },
);

/** Bytes: what is wanted comes in several messages, or all of it in one. */
export const responseBytes = fc.constantFrom(undefined, 1 << 20);

const fields = {
  plans: fc.array(plan, { minLength: nodes.length, maxLength: nodes.length }),
  order: fc.nat(31),
  responseBytes,
};
const lengths = { minLength: 1, maxLength: 30, size: "+1" } as const;

export const servedHistories: HistoryProperty<ServedHistory> = {
  name: "served: consistent at every message, from scratch at the end",
  histories: fc.oneof(
    { weight: 2, arbitrary: fc.record({ ...fields, steps: fc.array(randomStep, lengths) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        ...fields,
        steps: fc.array(stepOfShortHold, lengths),
        holdMs: fc.constantFrom(50, 800, 5_000),
      }),
    },
  ),
  async check({ plans, steps, order, holdMs, responseBytes: limit }, counts) {
    const proxies = plans.map((each, index) => ({ node: nodes[index] as RigProxy, plan: each }));
    const mesh = new ServedMesh(proxies, { holdMs, responseBytes: limit });
    try {
      for (const each of steps) {
        await makeStep(mesh, each, counts);
        mesh.noteMesh();
        mesh.takeRefused();
      }
      await bringToRest(mesh);
      compareWithScratch(mesh, order);
      await compareStatus(mesh);
      // Whoever refused something comes back and takes everything.
      for (const each of mesh.slots) {
        if (each.proxy.plan.refuses === undefined) continue;
        mesh.cut(each, true);
        each.proxy.plan = { ...each.proxy.plan, refuses: undefined };
      }
      await bringToRest(mesh);
      compareWithScratch(mesh, order);
      assert.deepEqual(mesh.errors(), []);
      countHits(mesh, counts);
    } finally {
      await mesh.stop();
    }
    // Scopes outlive their last client for a while.
    await mesh.clock.advance(3_600_000);
    assert.deepEqual(
      { ...mesh.rig.generator.counts, interned: 0 },
      { scopes: 0, workloads: 0, clients: 0, interned: 0 },
    );
  },
};

/** What streams had in common, so that a run shows that it was tried. */
export function countHits(mesh: ServedMesh, counts: Counts): void {
  for (const [cache, { hits }] of Object.entries(mesh.ads.caches)) if (hits > 0) count(counts, `shared ${cache}`);
}

/** The server knows that everything has arrived, and where something was refused. */
async function compareStatus(mesh: ServedMesh): Promise<void> {
  await mesh.clock.advance(200);
  const refusing = new Set(
    mesh.slots.filter(({ proxy }) => proxy.plan.refuses !== undefined).map(({ proxy }) => proxy.node.name),
  );
  for (const status of mesh.ads.statuses().values()) {
    const name = status.name.split(".")[0] ?? "";
    for (const [type, { state }] of Object.entries(status.types)) {
      if (!refusing.has(name)) assert.equal(state, "SYNCED", `${name} ${type}`);
    }
  }
}
