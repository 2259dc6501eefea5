// Histories of what the analysis of the mesh looks at; `run-histories.ts` tries more.
import { it } from "node:test";
import { analysisHistories } from "./analysis-history.ts";
import { chooseSeed, runProperty } from "./property-run.ts";

const seed = chooseSeed();
const runs = 1_000;

it("finds after every change, and for every write, what an analysis from scratch finds", async () => {
  console.log(`${analysisHistories.name}: ${runs} runs, seed ${seed}`);
  await runProperty(analysisHistories, { runs, seed, cases: [] });
});
