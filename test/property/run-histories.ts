// Tries the histories of a mesh as often as asked: `node test/property/run-histories.ts --runs 10000 [--seed S] [--only TEXT]`.
import { parseArgs } from "node:util";
import { analysisHistories } from "./analysis-history.ts";
import { isolationCases, meshHistoryCases, servedHistoryCases } from "./mesh-histories.cases.ts";
import { meshHistories } from "./mesh-history.ts";
import { namespaceIsolation } from "./namespace-isolation.ts";
import { chooseSeed, type HistoryProperty, type PropertyReport, runProperty } from "./property-run.ts";
import { quarantineHistories } from "./quarantine-history.ts";
import { schedules } from "./schedules.ts";
import { servedHistories } from "./served-history.ts";

/** A property with what failed before, ready to be run. */
interface Task {
  readonly name: string;
  run(runs: number, seed: number): Promise<PropertyReport>;
}

function task<T>(property: HistoryProperty<T>, cases: readonly T[]): Task {
  return { name: property.name, run: (runs, seed) => runProperty(property, { runs, seed, cases }) };
}

const tasks: readonly Task[] = [
  task(meshHistories, meshHistoryCases),
  task(servedHistories, servedHistoryCases),
  task(namespaceIsolation, isolationCases),
  task(schedules, []),
  task(quarantineHistories, []),
  task(analysisHistories, []),
];

const { values } = parseArgs({
  options: { runs: { type: "string", default: "10000" }, seed: { type: "string" }, only: { type: "string" } },
});
const runs = Number(values.runs);
const seed = values.seed === undefined ? chooseSeed() : Number(values.seed);
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  console.error("usage: run-histories.ts [--runs N] [--seed S] [--only TEXT]");
  process.exit(2);
}

function print({ name, elapsedMs, counts }: PropertyReport): void {
  console.log(`  ok in ${(elapsedMs / 1000).toFixed(1)} s: ${name}`);
  const most = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [what, times] of most) console.log(`    ${String(times).padStart(9)}  ${what}`);
}

let failed = 0;
console.log(`seed ${seed}, ${runs} runs of each property`);
for (const { name, run } of tasks) {
  if (values.only !== undefined && !name.includes(values.only)) continue;
  console.log(name);
  try {
    print(await run(runs, seed));
  } catch (error) {
    failed += 1;
    console.error(error);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
