// Proxies of one Envoy version that refuse the same, and a control plane that keeps it from them: at every message what they use
// is there, and nothing of it is left when the objects are gone.
import assert from "node:assert/strict";
import fc from "fast-check";
import type { RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { type ProxyPlan, plainPlan } from "./fake-proxy.ts";
import { count, type HistoryProperty } from "./property-run.ts";
import {
  bringToRest,
  compareWithScratch,
  countHits,
  makeStep,
  nodes,
  randomStep,
  refusable,
  responseBytes,
  type ServedStep,
} from "./served-history.ts";
import { ServedMesh } from "./served-mesh.ts";

export interface QuarantineHistory {
  readonly refuses: NonNullable<ProxyPlan["refuses"]>;
  readonly explains: boolean;
  /** Which of the proxies take routes in parts. */
  readonly parts: readonly boolean[];
  readonly steps: readonly ServedStep[];
  readonly responseBytes: number | undefined;
}

export const quarantineHistories: HistoryProperty<QuarantineHistory> = {
  name: "quarantine: what proxies refuse is kept from them and harms nothing else",
  histories: fc.record({
    refuses: fc.record({ typeUrl: fc.constantFrom(...refusable), residue: fc.nat(2) }),
    explains: fc.boolean(),
    parts: fc.array(fc.boolean(), { minLength: nodes.length, maxLength: nodes.length }),
    steps: fc.array(randomStep, { minLength: 1, maxLength: 30, size: "+1" }),
    responseBytes,
  }),
  async check({ refuses, explains, parts, steps, responseBytes: limit }, counts) {
    const mesh = new ServedMesh(
      nodes.map((node, index) => ({
        node: { ...node, envoyVersion: "1.40.0" } as RigProxy,
        plan: { ...plainPlan, refuses, explains, parts: parts[index] ?? false },
      })),
      { quarantines: true, responseBytes: limit },
    );
    try {
      for (const each of steps) {
        await makeStep(mesh, each, counts);
        mesh.noteMesh();
        mesh.takeRefused();
      }
      await bringToRest(mesh);
      if (mesh.keptAside > 0) count(counts, "something was kept aside");
      // With the objects all that was refused is gone, and so is what stood in its place.
      mesh.rig.graph.batch(() => {
        for (const key of [...mesh.rig.configs.keys()]) mesh.rig.configs.delete(key);
      });
      mesh.noteMesh();
      await bringToRest(mesh);
      compareWithScratch(mesh, 0);
      assert.deepEqual(mesh.errors(), []);
      countHits(mesh, counts);
    } finally {
      await mesh.stop();
    }
  },
};
