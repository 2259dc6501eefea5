// Measurements as the table that people read, here and in docs/benchmarks.md.
import type { CurvePoint } from "./cost-curves.ts";
import type { HoldFigures } from "./hold.ts";
import type { MeshFigures, Phase } from "./measure-mesh.ts";
import { formatNumber, formatSpread, spreadOf } from "./spread.ts";

export interface MeasuredRun {
  proxies: number;
  mtls: boolean;
  way: "whole" | "parts";
  figures: MeshFigures;
}

export interface Results {
  machine: string;
  node: string;
  runs: MeasuredRun[];
  holds: HoldFigures[];
  curves: CurvePoint[];
}

const of = (phases: readonly Phase[], pick: (phase: Phase) => number): string =>
  formatSpread(spreadOf(phases.map(pick)));

const rows: readonly [name: string, value: (run: MeasuredRun) => string][] = [
  ["first sync: server CPU per proxy, ms", ({ figures, proxies }) => formatNumber(figures.firstSync.cpuMs / proxies)],
  ["… all complete after, s", ({ figures }) => formatNumber(figures.firstSync.lastMs / 1000)],
  ["… bytes, MB", ({ figures }) => formatNumber(figures.firstSync.bytes / 1e6)],
  ["resident memory afterwards, MB", ({ figures }) => formatNumber(figures.residentMb)],
  ["one endpoint: last proxy has it, ms", ({ figures }) => of(figures.endpoint, (phase) => phase.lastMs)],
  ["… server CPU, ms", ({ figures }) => of(figures.endpoint, (phase) => phase.cpuMs)],
  ["… bytes, MB", ({ figures }) => of(figures.endpoint, (phase) => phase.bytes / 1e6)],
  [
    "one VirtualService value: last proxy has it, ms",
    ({ figures }) => of(figures.virtualService, (phase) => phase.lastMs),
  ],
  ["… server CPU, ms", ({ figures }) => of(figures.virtualService, (phase) => phase.cpuMs)],
  ["… bytes, MB", ({ figures }) => of(figures.virtualService, (phase) => phase.bytes / 1e6)],
  [
    "all reconnect: until a change made then has reached the last, s",
    ({ figures }) => of(figures.reconnect, (phase) => phase.lastMs / 1000),
  ],
  ["… server CPU, s", ({ figures }) => of(figures.reconnect, (phase) => phase.cpuMs / 1000)],
  ["… resources sent again", ({ figures, proxies }) => of(figures.reconnect, (phase) => phase.resources - proxies)],
  [
    "… most resident memory, times the steady one",
    ({ figures: { reconnectPeak } }) => formatNumber(reconnectPeak.peakMb / reconnectPeak.steadyMb),
  ],
  [
    "control plane killed and started again: the same from its `ready`, s",
    ({ figures }) => of(figures.restart, (phase) => phase.lastMs / 1000),
  ],
  ["… resources sent again", ({ figures, proxies }) => of(figures.restart, (phase) => phase.resources - proxies)],
  [
    "longest stall of the event loop in all of this, ms",
    ({ figures: { firstSync, endpoint, virtualService, reconnect, restart } }) =>
      formatNumber(
        Math.max(
          ...[firstSync, ...endpoint, ...virtualService, ...reconnect, ...restart].map((phase) => phase.stallMs),
        ),
      ),
  ],
];

export function meshTable(runs: readonly MeasuredRun[]): string {
  const heads = runs.map(
    ({ proxies, mtls, way }) => `${proxies} ${way === "parts" ? "agents of ours" : "proxies"}${mtls ? ", mTLS" : ""}`,
  );
  return table(
    ["", ...heads],
    rows.map(([name, value]) => [name, ...runs.map(value)]),
  );
}

/** Memory of one more proxy, by the difference between the smallest and the largest fleet of a kind. */
export function memoryLines(runs: readonly MeasuredRun[], holds: readonly HoldFigures[]): string[] {
  const lines: string[] = [];
  for (const mtls of [false, true]) {
    const alike = runs.filter((run) => run.mtls === mtls && run.way === "whole").sort((a, b) => a.proxies - b.proxies);
    const [least, most] = [alike[0], alike.at(-1)];
    if (least === undefined || most === undefined || least === most) continue;
    const kb = ((most.figures.residentMb - least.figures.residentMb) * 1024) / (most.proxies - least.proxies);
    lines.push(
      `memory of one more proxy${mtls ? ", mTLS" : ""}: ${formatNumber(kb)} KB (from ${least.proxies} to ${most.proxies})`,
    );
  }
  for (const { connected, proxies, mtls, residentMb } of holds) {
    lines.push(
      `${connected} of ${proxies} proxies held${mtls ? ", mTLS" : ""}: ${formatNumber(residentMb)} MB resident`,
    );
  }
  return lines;
}

export function curveTable(points: readonly CurvePoint[]): string {
  const heads = [
    "",
    "proxies × services × endpoints",
    "first sync of all, ms CPU",
    "one endpoint, ms",
    "ms CPU",
    "KB",
    "one route, ms",
    "ms CPU",
    "KB",
    "resident, MB",
  ];
  return table(
    heads,
    points.map(({ name, mesh, firstSyncCpuMs, endpoint, route, residentMb }) => [
      ...[name, mesh],
      ...[firstSyncCpuMs, endpoint.lastMs, endpoint.cpuMs, endpoint.bytes / 1e3].map(formatNumber),
      ...[route.lastMs, route.cpuMs, route.bytes / 1e3, residentMb].map(formatNumber),
    ]),
  );
}

function table(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [row(heads), row(heads.map(() => "---")), ...lines.map(row)].join("\n");
}
