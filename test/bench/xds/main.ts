// What the control plane's xDS costs: `npm run bench:xds`. Fake sidecars over real sockets, in a process of their own on the same
// machine, acknowledge everything and decode nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { thousandServices } from "../../kit/large-mesh.ts";
import { type CurvePoint, measureCurves } from "./cost-curves.ts";
import { type HoldFigures, hold } from "./hold.ts";
import { measureMesh } from "./measure-mesh.ts";
import { curveTable, type MeasuredRun, memoryLines, meshTable, type Results } from "./report.ts";
import type { RouteWay } from "./sidecar.ts";

const help = `Measures what the control plane's xDS costs.

  npm run bench:xds -- [options]

  --changes N    repetitions of each change; the median counts (5)
  --only PARTS   of mesh, agents, mtls, hold, curves; comma-separated (all)
  --profile DIR  writes CPU profiles of the control plane there
  --json FILE    writes the figures there
  --write        makes docs/benchmarks.md of them`;

const parts = ["mesh", "agents", "mtls", "hold", "curves"] as const;
type Part = (typeof parts)[number];

const { values } = parseArgs({
  options: {
    changes: { type: "string", default: "5" },
    only: { type: "string", default: parts.join(",") },
    profile: { type: "string" },
    json: { type: "string" },
    write: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
const wanted = new Set(values.only.split(","));
const unknown = [...wanted].filter((part) => !parts.includes(part as Part));
const changes = Number(values.changes);
if (unknown.length > 0 || !Number.isInteger(changes) || changes < 1) {
  console.error(
    `${unknown.length > 0 ? `there is no part ${unknown.join(", ")}` : "--changes must be 1 or more"}\n\n${help}`,
  );
  process.exit(2);
}

// What was started is ended at exit.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

const runs: MeasuredRun[] = [];
const holds: HoldFigures[] = [];
let curves: CurvePoint[] = [];
if (wanted.has("mesh")) await measureBoth("whole", false);
if (wanted.has("agents")) await measureBoth("parts", false);
if (wanted.has("mtls")) await measureBoth("whole", true);
if (wanted.has("hold")) {
  for (const mtls of [false, true]) {
    say(`3,000 proxies${mtls ? " with mTLS" : ""}`);
    holds.push(await hold(thousandServices, 3_000, mtls));
  }
}
if (wanted.has("curves")) curves = await measureCurves(({ name }) => say(`cost with ${name}`));

const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${cpuModel()}`;
const results: Results = { machine, node: process.version, runs, holds, curves };
const sections = sectionsOf(results);
console.log(sections);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
if (values.write) writeFileSync(join(import.meta.dirname, "../../../docs/benchmarks.md"), documentOf(results));

async function measureBoth(way: RouteWay, mtls: boolean): Promise<void> {
  for (const proxies of [200, 1_000]) {
    say(`${proxies} ${way === "parts" ? "agents of ours" : "proxies"}${mtls ? " with mTLS" : ""}`);
    const profile = (phase: string): string | undefined =>
      values.profile === undefined
        ? undefined
        : join(values.profile, `${way}-${mtls ? "mtls" : "plain"}-${proxies}-${phase}.cpuprofile`);
    const figures = await measureMesh({ mesh: thousandServices, proxies, mtls, way, changes, profile });
    runs.push({ proxies, mtls, way, figures });
  }
}

function say(what: string): void {
  console.error(`bench: ${what}`);
}

function sectionsOf({ runs: all, holds: held, curves: points }: Results): string {
  const ours = all.filter(({ way }) => way === "parts");
  const foreign = all.filter(({ way }) => way === "whole");
  const blocks = [
    ...(foreign.length > 0 ? [meshTable(foreign)] : []),
    ...(ours.length > 0 ? [meshTable(ours)] : []),
    ...memoryLines(all, held).map((line) => `* ${line}`),
    ...(points.length > 0 ? [curveTable(points)] : []),
  ];
  return blocks.join("\n\n");
}

function documentOf(all: Results): string {
  return `# Benchmarks

Made by \`npm run bench:xds -- --write\` on a machine with ${all.machine}, Node ${all.node.slice(1)}. The control plane and
the fake sidecars, a process of their own, share the cores. Absolute times vary from machine to machine and from run to run;
each figure is a median, in brackets the least and the most.

The mesh: 1,000 services with 10 endpoints each, 100 VirtualServices, 100 DestinationRules with two subsets, mutual TLS for
all, as files; every proxy sees everything. A change is the rename of a file. Sidecars speak delta ADS with Istio's node
metadata, acknowledge everything and decode no more than names, versions and cluster types. "Agents of ours" are sent virtual
hosts one by one ([ADR 0010](adr/0010-route-parts.md)), the others whole route configurations.

In the last table one thing grows and the rest of the mesh stays; its proxies are sent virtual hosts one by one.

${sectionsOf(all)}
`;
}

function cpuModel(): string {
  return /model name\s*:\s*(.+)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown";
}
