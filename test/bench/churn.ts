// Real Envoys under churn: whether they accept all of it, and whether a call is lost. `node test/bench/churn.ts`, as root.
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { ChurnMesh } from "./churn/churn-mesh.ts";
import { activeWithinMs, ChurnRun } from "./churn/churn-run.ts";
import { type FleetUse, fleetUse } from "./churn/fleet-figures.ts";
import { readVerdicts } from "./churn/verdicts.ts";
import { processorsMs } from "./process-figures.ts";
import { formatNumber, spreadOf } from "./xds/spread.ts";

const help = `Changes endpoints, routes, subsets and policies of a mesh of real Envoys while its machines call each other.

  node test/bench/churn.ts [options]

  --machines N  that join, each with an Envoy; a quarter of them call the others (20)
  --minutes N   (10)
  --rate N      changes a second, as files and through the API (10)
  --json FILE   writes the figures there

Ends with 1 where a call failed or went astray, a proxy refused something, a cluster is left warming, or a changed cluster
took longer than a second until the last Envoy had it active.`;

const { values } = parseArgs({
  options: {
    machines: { type: "string", default: "20" },
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "10" },
    json: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const [machines, minutes, rate] = [values.machines, values.minutes, values.rate].map(Number) as [
  number,
  number,
  number,
];
if (values.help || !(machines >= 4 && minutes > 0 && rate > 0)) {
  console.log(help);
  process.exit(values.help ? 0 : 2);
}
/** How often it is looked whether this process gets on, milliseconds. */
const stallResolutionMs = 20;

const churn = await ChurnMesh.start(machines, (what) => console.error(`churn: ${what}`));
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  await churn.stop();
}

async function measure(): Promise<boolean> {
  const run = new ChurnRun(churn);
  const { record } = run;
  await run.answering();
  const before = await fleetUse(churn);
  const stalls = monitorEventLoopDelay({ resolution: stallResolutionMs });
  stalls.enable();
  const processorsBefore = processorsMs();
  const startMs = performance.now();
  const endMs = startMs + minutes * 60_000;
  let described = 0;
  let nextLineMs = startMs + 60_000;
  for (let dueMs = startMs; dueMs < endMs; dueMs += 1000 / rate) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    run.change();
    for (; described < record.bad.length; described++) console.log(describe(record.bad[described]));
    if (performance.now() < nextLineMs) continue;
    nextLineMs += 60_000;
    const passed = Math.round((performance.now() - startMs) / 60_000);
    console.log(
      `minute ${passed}: ${run.changes} changes, ${record.answered} answers, ${record.failedCount} failed calls`,
    );
  }
  const tookMs = performance.now() - startMs;
  const processorsAfter = processorsMs();
  stalls.disable();
  const after = await fleetUse(churn);
  await run.finish();
  for (; described < record.bad.length; described++) console.log(describe(record.bad[described]));
  const verdicts = await readVerdicts(churn);
  const active = spreadOf(run.activeMs);
  const convergence = await churn.mesh.control.metric("pilot_proxy_convergence_time_count");
  const slow = convergence - (await convergedWithin("1"));

  const seconds = tookMs / 1000;
  const calls = Object.entries(record.byWay).map(([way, count]) => `${way} ${count}`);
  const kinds = Object.entries(run.counts).map(([kind, count]) => `${kind} ${count}`);
  print("machines, each with an Envoy", `${churn.machines.length}, of them ${churn.callers.length} call`);
  print(
    "changes",
    `${run.changes} in ${seconds.toFixed(0)} s (${(run.changes / seconds).toFixed(1)}/s): ${kinds.join(", ")}`,
  );
  print("calls answered", `${record.answered}: ${calls.join(", ")}; ${record.retried} of them tried again by Envoy`);
  print("versions of routes that calls have shown", `${record.shown.size}`);
  print("calls failed", `${record.failedCount}`);
  print("calls answered by whom they must not reach", `${record.strayedCount}`);
  print("calls left out, callers too busy", `${record.skipped}`);
  print("longest call", `${formatNumber(record.longestMs)} ms`);
  print(
    "messages rejected",
    `${verdicts.rejects}${verdicts.rejected.length > 0 ? `: ${verdicts.rejected.join(", ")}` : ""}`,
  );
  print("clusters left warming", `${verdicts.warming.length} ${verdicts.warming.join(", ")}`);
  const most = `median ${formatNumber(active.median)} ms, most ${formatNumber(active.most)} ms`;
  print(
    "DestinationRule active on the last Envoy",
    `${most}, of ${run.activeMs.length} changes; never: ${run.inactive.length}`,
  );
  for (const what of [...run.inactive, ...run.late]) console.log(`  ${what}`);
  print("a change acknowledged by a proxy", `${convergence} times, ${slow} of them after more than a second`);
  printUse(before, after, seconds);
  const idle = (processorsAfter.idle - processorsBefore.idle) / (processorsAfter.all - processorsBefore.all);
  const stoodMs = Math.max(0, stalls.max / 1e6 - stallResolutionMs);
  print(
    "all processors",
    `${((1 - idle) * 100).toFixed(0)} % busy; this process stood still for ${stoodMs.toFixed(0)} ms at most`,
  );
  if (values.json !== undefined) {
    const { counts, activeMs, inactive } = run;
    const figures = { seconds, counts, activeMs, inactive, verdicts, before, after, calls: { ...record } };
    writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  }
  return (
    record.failedCount + record.strayedCount + verdicts.rejects + verdicts.rejected.length === 0 &&
    verdicts.warming.length + run.inactive.length === 0 &&
    active.most <= activeWithinMs
  );
}

/** Acknowledgements of the histogram's bucket. */
function convergedWithin(bound: string): Promise<number> {
  return churn.mesh.control.metric(`pilot_proxy_convergence_time_bucket{le="${bound}"}`);
}

function printUse(before: FleetUse, after: FleetUse, seconds: number): void {
  const share = (from: number, to: number): string => `${((to - from) / seconds / 10).toFixed(1)} % of a core`;
  for (const [name, who] of [
    ["control plane", "controlPlane"],
    ["all agents", "agents"],
    ["all Envoys", "envoys"],
  ] as const) {
    const [from, to] = [before[who], after[who]];
    const memory = `${formatNumber(from.residentMb)} MB at the start, ${formatNumber(to.residentMb)} MB at the end`;
    print(name, `${share(from.cpuMs, to.cpuMs)}, ${memory}`);
  }
  print("main threads of all Envoys", share(before.envoyMainMs, after.envoyMainMs));
}

function describe(bad: { caller: string; what: string; changes: string[] } | undefined): string {
  return bad === undefined
    ? ""
    : `! ${bad.caller}: ${bad.what}\n${bad.changes.map((each) => `    ${each}`).join("\n")}`;
}

function print(what: string, measured: string): void {
  console.log(`${what.padEnd(44)} ${measured}`);
}
