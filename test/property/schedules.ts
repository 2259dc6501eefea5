// Deliveries between the server and several proxies in every order that a network allows: what is sent on one stream one way
// stays in order, and nothing else does. No version is lost, and none comes after a newer one.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { type ProxyPlan, plainPlan } from "./fake-proxy.ts";
import { type Batch, makeChange, proxies, randomBatch } from "./mesh-changes.ts";
import { count, type HistoryProperty } from "./property-run.ts";
import { bringToRest, compareWithScratch } from "./served-history.ts";
import { ServedMesh, type Slot } from "./served-mesh.ts";

export interface ScheduledHistory {
  readonly variants: readonly ProxyPlan["variant"][];
  readonly batches: readonly Batch[];
  /** Proxies that lose their stream at some time and come back at another. */
  readonly cuts: readonly number[];
  readonly order: number;
  readonly scheduler: fc.Scheduler;
}

const nodes: readonly RigProxy[] = [proxies[0] as RigProxy, proxies[2] as RigProxy, proxies[3] as RigProxy];

export const schedules: HistoryProperty<ScheduledHistory> = {
  name: "schedules: deliveries in every order",
  histories: fc.record({
    variants: fc.array(fc.constantFrom<ProxyPlan["variant"]>("delta", "delta", "sotw"), {
      minLength: nodes.length,
      maxLength: nodes.length,
    }),
    batches: fc.array(randomBatch, { minLength: 1, maxLength: 6 }),
    cuts: fc.array(fc.nat(nodes.length - 1), { maxLength: 2 }),
    order: fc.nat(31),
    scheduler: fc.scheduler(),
  }),
  async check({ variants, batches, cuts, order, scheduler }, counts) {
    const mesh = new ServedMesh(
      nodes.map((node, index) => ({ node, plan: { ...plainPlan, variant: variants[index] ?? "delta" } })),
    );
    const faults: unknown[] = [];
    const soon = (label: string, work: () => void): void => {
      void scheduler
        .schedule(Promise.resolve(), label)
        .then(() => {
          work();
          mesh.noteMesh();
        })
        .catch((error: unknown) => faults.push(error));
    };
    const inOrder = (steps: readonly { label: string; work: () => void }[]): void => {
      const [first, ...rest] = steps;
      if (first === undefined) return;
      soon(first.label, () => {
        first.work();
        inOrder(rest);
      });
    };
    const scheduled = new Set<string>();
    const scheduleDeliveries = (): void => {
      for (const [index, slot] of mesh.slots.entries()) {
        const { pair } = slot;
        if (pair === undefined) continue;
        const { toServer, toClient } = pair.waiting;
        const ways = [
          { way: "up", waiting: toServer, deliver: () => pair.deliverToServer() },
          { way: "down", waiting: toClient, deliver: () => pair.deliverToClient() },
        ];
        for (const { way, waiting, deliver } of ways) {
          const label = `${way} ${index}`;
          if (waiting === 0 || scheduled.has(label)) continue;
          scheduled.add(label);
          soon(label, () => {
            scheduled.delete(label);
            deliver();
            count(counts, `delivered ${way}`);
          });
        }
      }
    };
    try {
      for (const [index, slot] of mesh.slots.entries()) soon(`connect ${index}`, () => mesh.connect(slot));
      const change = (batch: Batch) => () => {
        mesh.rig.graph.batch(() => {
          for (const each of batch) makeChange(mesh.rig, each);
        });
        count(counts, "batch");
      };
      inOrder(batches.map((batch, index) => ({ label: `batch ${index}`, work: change(batch) })));
      for (const index of cuts) {
        const slot = mesh.slots[index] as Slot;
        inOrder([
          { label: `cut ${index}`, work: () => mesh.cut(slot, false) },
          { label: `again ${index}`, work: () => mesh.connect(slot) },
          { label: "notice", work: () => mesh.notice() },
        ]);
      }
      for (let rounds = 0; ; rounds++) {
        assert.ok(rounds < 10_000, "it never comes to rest");
        await mesh.turn();
        scheduleDeliveries();
        if (scheduler.count() === 0) break;
        await scheduler.waitOne();
        mesh.takeRefused();
        if (faults.length > 0) throw faults[0];
      }
      await bringToRest(mesh);
      compareWithScratch(mesh, order);
      assert.deepEqual(mesh.errors(), []);
    } finally {
      await mesh.stop();
    }
  },
};
