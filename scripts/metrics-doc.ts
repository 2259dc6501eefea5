// Writes docs/operations/metrics.md from the metrics that the code registers.
//
//   node scripts/metrics-doc.ts            writes the page
//   node scripts/metrics-doc.ts --check    fails where the page differs
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { caMetrics } from "../src/ca/ca-metrics.ts";
import { meshMetrics } from "../src/cmd/mesh-metrics.ts";
import { systemClock } from "../src/kernel/clock.ts";
import { type MetricDescription, Metrics } from "../src/kernel/metric.ts";
import { createAdsMetrics } from "../src/serve/ads/ads-metrics.ts";
import { ApiMetrics } from "../src/serve/api/api-metrics.ts";
import { changeMetrics, engineMetrics } from "../src/serve/debug/engine-metrics.ts";
import { stallSeconds } from "../src/serve/debug/watch-stalls.ts";
import { refusedConnections } from "../src/serve/listen/secure-listener.ts";
import { quarantineMetrics } from "../src/serve/quarantine/quarantine-metrics.ts";
import { registrationMetrics } from "../src/sources/registration/registration-metrics.ts";

const root = join(import.meta.dirname, "..");
const page = join(root, "docs/operations/metrics.md");

/** What `lateen up` shows on port 15014. No value is read. */
export function controlPlaneMetrics(): MetricDescription[] {
  const metrics = new Metrics();
  const unread = undefined as never;
  metrics.collectProcess();
  createAdsMetrics(metrics, unread);
  caMetrics(metrics);
  new ApiMetrics(metrics);
  registrationMetrics(metrics);
  refusedConnections(metrics);
  stallSeconds(metrics);
  changeMetrics(metrics);
  quarantineMetrics(metrics);
  engineMetrics(metrics, { pushes: unread, queues: unread, caches: unread, views: unread });
  meshMetrics(metrics, { configs: unread, mesh: unread, clock: systemClock, version: "", findings: unread });
  return metrics.describe();
}

/** What an agent shows on port 15020 beside Envoy's and the application's, read from its sources. */
export function agentMetrics(): Omit<MetricDescription, "labels">[] {
  const found: Omit<MetricDescription, "labels">[] = [];
  for (const file of globSync("src/agent/**/*.ts", { cwd: root }).sort()) {
    if (/\.(test|fake|suite)\.ts$/.test(file)) continue;
    const text = readFileSync(join(root, file), "utf8");
    for (const [, type, name, help] of text.matchAll(/\.(counter|gauge|histogram)\(\s*"([^"]+)",\s*"([^"]+)"/g)) {
      found.push({ type: type as MetricDescription["type"], name: name ?? "", help: help ?? "" });
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function renderMetrics(): string {
  const all = controlPlaneMetrics();
  const isOwn = ({ name }: MetricDescription): boolean => name.startsWith("lateen_");
  const isProcess = ({ name }: MetricDescription): boolean => /^(process|nodejs)_/.test(name);
  return [
    "# Metrics",
    "",
    "Made by `node_modules/.bin/node scripts/metrics-doc.ts` from the code; do not edit.",
    "",
    "The control plane's are at `/metrics` on port 15014, in Prometheus' text format. They name types and counts, never",
    "objects; what belongs to which object is at `/debug` on the API's port, see `lateen debug --list`. Types of resources",
    "are spelled `cds`, `eds`, `lds`, `rds` and so on.",
    "",
    "## Control plane: names and meaning of Istio",
    "",
    ...table(all.filter((metric) => !isOwn(metric) && !isProcess(metric))),
    "## Control plane: Lateen's own",
    "",
    ...table(all.filter(isOwn)),
    "## Control plane: the process",
    "",
    ...table(all.filter(isProcess)),
    "## Agent",
    "",
    "At port 15020 of each machine, together with Envoy's and the application's.",
    "",
    ...table(agentMetrics().map((metric) => ({ ...metric, labels: [] }))),
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

function table(metrics: readonly MetricDescription[]): string[] {
  const rows = metrics.map(({ name, type, labels, help }) => {
    const labelled = labels.length === 0 ? "" : `{${labels.join(", ")}}`;
    return `| \`${name}${labelled}\` | ${type} | ${help.replace(/\s+/g, " ").replace(/\|/g, "\\|").trim()} |`;
  });
  return ["| metric | type | meaning |", "|---|---|---|", ...rows, ""];
}

if (import.meta.main) {
  const wanted = renderMetrics();
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(page), { recursive: true });
    writeFileSync(page, wanted);
  } else if (!existsSync(page) || readFileSync(page, "utf8") !== wanted) {
    console.error("docs/operations/metrics.md differs from the metrics in the code; run node scripts/metrics-doc.ts");
    process.exitCode = 1;
  }
}
