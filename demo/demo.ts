// A mesh of machines on this one: a control plane, three machines that join with one command, and an outsider.
//
// Read it from top to bottom: each step does what a user would do, then measures whether it is true. The YAML is in
// demo/mesh/, the applications are in demo/app/; neither knows that it is a demo.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { resolveEnvoy } from "../src/agent/envoy/resolve-envoy.ts";
import { describeError, LateenError } from "../src/kernel/error.ts";
import { type Host, Network } from "../test/kit/network.ts";
import { ControlHost, callFrom, commandOn, installApplications, Machine, startApplication } from "./machines.ts";
import { Table } from "./table.ts";
import { watchWire } from "./wire.ts";

const usage = "npm run demo [-- --keep]\n\n  --keep  leave the mesh running and say how to look around; Ctrl-C ends it";
const flags = readFlags();
if (flags.help) {
  console.log(usage);
  process.exit(0);
}

const mesh = (file: string): string => join(import.meta.dirname, "mesh", file);
const reviews = "http://reviews.shop.svc.cluster.local";
const sentResources = "lateen_xds_sent_resources_total";
const table = new Table();
// Machines look for Envoy when they join; these have no way out of their network, so it must be there before.
await resolveEnvoy({ env: process.env, log: (line) => console.error(line) }).catch((error: unknown) => {
  console.error(error instanceof LateenError ? `${error.message}\n  ${error.remedy}` : describeError(error));
  process.exit(1);
});
const startedMs = performance.now();
const network = await Network.create().catch((error: unknown) => {
  console.error(describeError(error));
  process.exit(1);
});
// Whatever happens, nothing stays behind.
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    interrupted = true;
    void network.stop().then(() => process.exit(130));
  });
}

try {
  await showMesh();
} catch (error) {
  if (!interrupted) {
    console.error(describeError(error));
    process.exitCode = 1;
  }
} finally {
  if (!interrupted) await network.stop();
}

async function showMesh(): Promise<void> {
  table.heading("A control plane, and what the operator applies");
  const control = new ControlHost(await network.addHost("control", 2));
  const [front, reviews1, reviews2] = [
    await network.addHost("front", 11),
    await network.addHost("reviews-1", 12),
    await network.addHost("reviews-2", 13),
  ];
  const outsider = await network.addHost("outsider", 20);
  await network
    .startOnSwitch(process.execPath, [join(import.meta.dirname, "app/resolver.ts"), "198.18.0.1"])
    .line(/listens/);
  installApplications(network);
  const upMs = performance.now();
  await control.up();
  table.row("lateen up", true, `ready after ${since(upMs)}`);
  await control.lateen("apply", "-f", mesh("shop.yaml"));
  await control.lateen("apply", "-f", mesh("canary-90-10.yaml"));
  table.row("lateen apply", true, "10 objects of Istio's API");

  table.heading("Machines join: one command each, no files copied");
  await startApplication(reviews1, "reviews.ts", "v1", "9080");
  await startApplication(reviews2, "reviews.ts", "v2", "9080");
  const wire = await watchWire(network);
  const joins: [typeof front, string][] = [
    [reviews1, "shop/reviews-v1"],
    [reviews2, "shop/reviews-v2"],
    [front, "shop/front"],
  ];
  for (const [host, group] of joins) {
    const token = (await control.lateen("token", "create", "--group", group)).trim();
    const joinMs = performance.now();
    const machine = await Machine.join(host, control.url, token);
    const spiffeId = /spiffe:\/\/\S+?(?=[,\s])/.exec(machine.program.lines.join("\n"))?.[0] ?? "";
    const { answered, statuses } = await firstAnswer(host);
    table.row(
      `lateen join on ${host.name}`,
      answered && spiffeId !== "",
      `${spiffeId}, ${answered ? `first mTLS answer after ${since(joinMs)}` : `no answer: ${JSON.stringify(statuses)}`}`,
    );
  }

  table.heading("Names, identity, encryption");
  const answer = await front.run("getent", ["ahostsv4", "reviews.shop"]).then(
    ({ stdout }) => stdout.split(/\s/)[0] ?? "",
    () => "no answer",
  );
  table.row("reviews.shop in the machine's own resolver", answer.startsWith("240.240."), answer);
  const outside = await front.run("getent", ["ahostsv4", "outside.example"]).then(
    ({ stdout }) => stdout.split(/\s/)[0] ?? "",
    () => "no answer",
  );
  table.row("other names still come from outside", outside === "203.0.113.80", `outside.example is ${outside}`);
  const one = await callFrom(front, `${reviews}/`, 20);
  const caller = one.callers.join(" ");
  table.row("the caller, as the server saw it", caller === "spiffe://cluster.local/ns/shop/sa/front", caller);
  const seen = await wire.stop();
  table.row(
    "the bytes between the machines",
    seen.tlsRecords > 0 && !seen.plaintext,
    `${seen.tlsRecords} TLS records, ${seen.plaintext ? "and readable text" : "no readable text"}`,
  );
  const refused = await callFrom(outsider, `http://${reviews1.address}:9080/`);
  table.row(
    "plaintext from the outsider",
    refused.statuses["error"] === 1,
    `refused: ${refused.error ?? "not at all"}`,
  );
  const forbidden = await callFrom(reviews2, `${reviews}/`);
  table.row(
    "a member without permission",
    forbidden.statuses["403"] === 1,
    `HTTP ${Object.keys(forbidden.statuses).join(", ")}`,
  );

  table.heading("Traffic, shifted while it flows");
  const canary = await callFrom(front, `${reviews}/`, 1000);
  table.row("1,000 requests at 90/10", isSplit(canary, 0.1), describeSplit(canary));
  const sentBefore = await control.counter(sentResources);
  const shiftMs = Date.now();
  await control.lateen("apply", "-f", mesh("canary-50-50.yaml"));
  const acknowledgedMs = await lastAcknowledged(control, shiftMs);
  table.row("shifted to 50/50", acknowledgedMs !== undefined, `last proxy acknowledged after ${acknowledgedMs} ms`);
  const sentByShift = (await control.counter(sentResources)) - sentBefore;
  const even = await callFrom(front, `${reviews}/`, 1000);
  table.row("1,000 requests at 50/50", isSplit(even, 0.5), describeSplit(even));
  const flaky = await callFrom(front, `${reviews}/flaky`, 200);
  table.row(
    "every other answer is an error: retried away",
    flaky.statuses["200"] === 200 && flaky.retried > 0,
    `${flaky.statuses["200"] ?? 0} of 200 answered, ${flaky.retried} on another try`,
  );

  table.heading("The control plane dies, and comes back");
  await control.kill();
  const alone = await callFrom(front, `${reviews}/`, 1000, 50);
  table.row(
    "20 s of requests without control plane",
    alone.statuses["200"] === 1000,
    `${1000 - (alone.statuses["200"] ?? 0)} of 1,000 failed`,
  );

  const backMs = performance.now();
  const before = await control.up().then(() => since(backMs));
  const members = await reconnected(control, 3);
  table.row(
    "the control plane comes back",
    members,
    `ready after ${before}, all 3 machines back after ${since(backMs)}`,
  );
  // The weights are shifted back, and once every machine has that, whatever would have been sent before has come, too.
  const backShiftMs = Date.now();
  await control.lateen("apply", "-f", mesh("canary-90-10.yaml"));
  const arrived = (await lastAcknowledged(control, backShiftMs)) !== undefined;
  const again = (await control.counter(sentResources)) - sentByShift;
  const withheld = await control.counter("lateen_xds_withheld_resources_total");
  table.row(
    "control plane back: resources sent again",
    members && arrived && again === 0 && withheld > 0,
    `${again}; ${withheld} that the machines had already`,
  );

  const { failures } = table;
  console.log(`\n${table.size - failures.length} of ${table.size} rows are true, after ${since(startedMs)}`);
  if (failures.length > 0) process.exitCode = 1;
  console.log("\nTry next:");
  if (!flags.keep)
    console.log("  npm run demo -- --keep             the same mesh, left running for you to look around");
  console.log(`  bin/lateen explain VirtualService  what can be configured, and what proxies act on
  bin/lateen up --help               a control plane of your own`);
  if (flags.keep) {
    console.log(`
The machines stay until Ctrl-C. In another shell, as root:

  ${commandOn(front, `curl http://reviews.shop/`)}
  ${commandOn(control.host, "bin/lateen get vs -A", `KUBECONFIG=${control.kubeconfig} `)}
  ${commandOn(control.host, "sh", `KUBECONFIG=${control.kubeconfig} `)}   # bin/lateen apply, describe, proxy-status

Shells of the machines:`);
    for (const host of [front, reviews1, reviews2, outsider]) {
      console.log(
        `  ${commandOn(host, "sh")}   # ${host.name}, ${host.address}, files in ${network.folder}/${host.name}`,
      );
    }
    await new Promise(() => {}); // a signal ends it
  }
}

function readFlags(): { keep?: boolean; help?: boolean } {
  try {
    return parseArgs({ options: { keep: { type: "boolean" }, help: { type: "boolean" } } }).values;
  } catch (error) {
    console.error(`${describeError(error)}\n\n${usage}`);
    process.exit(2);
  }
}

/**
 * Calls until a machine of reviews answers under mutual TLS. Of the first calls one in ten finds nobody: the VirtualService
 * sends it to v2, of which no machine has joined yet. The members of reviews may not call themselves; being refused by the
 * other side is an answer too.
 */
async function firstAnswer(host: Host): Promise<{ answered: boolean; statuses: Record<string, number> }> {
  const statuses: Record<string, number> = {};
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const call = await callFrom(host, `${reviews}/`);
    if (call.statuses["200"] === 1 || call.statuses["403"] === 1) return { answered: true, statuses };
    for (const status of Object.keys(call.statuses)) statuses[status] = (statuses[status] ?? 0) + 1;
  }
  return { answered: false, statuses };
}

function since(fromMs: number): string {
  return `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;
}

type Calls = Awaited<ReturnType<typeof callFrom>>;

/** True where the share of v2 is within four standard deviations of what was asked: 1 run in 16,000 is outside by chance. */
function isSplit(calls: Calls, share: number): boolean {
  const total = calls.statuses["200"] ?? 0;
  const deviation = Math.sqrt((share * (1 - share)) / calls.sent);
  return total === calls.sent && Math.abs((calls.versions["v2"] ?? 0) / total - share) < 4 * deviation;
}

function describeSplit(calls: Calls): string {
  return `v1 ${calls.versions["v1"] ?? 0}, v2 ${calls.versions["v2"] ?? 0}`;
}

interface ProxyRow {
  types: Record<string, { state: string; ackedAt?: string }>;
}

/** True once so many machines are connected and in step; asked every 100 ms, for 60 s at most. */
async function reconnected(control: ControlHost, count: number): Promise<boolean> {
  for (let tries = 0; tries < 600; tries++) {
    const proxies = JSON.parse(await control.lateen("proxy-status", "-o", "json")) as ProxyRow[];
    const inStep = proxies.filter((proxy) => Object.values(proxy.types).every((type) => type.state !== "STALE"));
    if (inStep.length === count) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** Milliseconds until the last proxy had acknowledged routes; asked every 20 ms, because the API has no event for it. */
async function lastAcknowledged(control: ControlHost, fromMs: number): Promise<number | undefined> {
  for (let tries = 0; tries < 250; tries++) {
    const proxies = JSON.parse(await control.lateen("proxy-status", "-o", "json")) as ProxyRow[];
    const routes = proxies.map((proxy) => proxy.types["RDS"]);
    const acknowledged = routes.map((type) => (type?.ackedAt === undefined ? 0 : Date.parse(type.ackedAt)));
    if (routes.length > 0 && routes.every((type) => type?.state === "SYNCED") && Math.min(...acknowledged) >= fromMs) {
      return Math.max(...acknowledged) - fromMs;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}
