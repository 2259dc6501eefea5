// Histories of a mesh, some hundreds of each kind; `run-histories.ts` tries more.
import { describe, it } from "node:test";
import { isolationCases, meshHistoryCases, servedHistoryCases } from "./mesh-histories.cases.ts";
import { meshHistories } from "./mesh-history.ts";
import { namespaceIsolation } from "./namespace-isolation.ts";
import { chooseSeed, type HistoryProperty, runProperty } from "./property-run.ts";
import { quarantineHistories } from "./quarantine-history.ts";
import { schedules } from "./schedules.ts";
import { servedHistories } from "./served-history.ts";

const seed = chooseSeed();

async function tryOut<T>(property: HistoryProperty<T>, cases: readonly T[], runs: number): Promise<void> {
  console.log(`${property.name}: ${runs} runs, seed ${seed}`);
  await runProperty(property, { runs, seed, cases });
}

describe("a mesh that changes", () => {
  it("gives each proxy what a mesh made from scratch gives it, and tells exactly what became different", () =>
    tryOut(meshHistories, meshHistoryCases, 250));

  it("reaches proxies in an order in which nothing they use is missing, and at last as a whole", () =>
    tryOut(servedHistories, servedHistoryCases, 150));

  it("reaches proxies as a whole in whatever order messages are delivered", () => tryOut(schedules, [], 60));

  it("in what one namespace hides sends nothing to proxies of another", () =>
    tryOut(namespaceIsolation, isolationCases, 120));

  it("keeps what proxies refuse from others like them, and harms nothing else by that", () =>
    tryOut(quarantineHistories, [], 60));
});
