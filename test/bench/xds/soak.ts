// Whether a control plane that runs for long stays as it is: `node test/bench/xds/soak.ts`. Half of its fake sidecars are sent
// whole routes, half virtual hosts one by one; some of them are always away, and everything changes all the time.
import { writeFileSync } from "node:fs";
import { get } from "node:https";
import { parseArgs } from "node:util";
import { thousandServices as mesh, writeMesh } from "../../kit/large-mesh.ts";
import { FileChurn } from "./file-churn.ts";
import { Fleet } from "./fleet.ts";
import { MeasuredControlPlane } from "./measured-control-plane.ts";
import { foreignNodes } from "./sidecar-nodes.ts";
import { slopeOf } from "./slope.ts";

const help = `Runs a control plane under churn, and looks whether it grows.

  node test/bench/xds/soak.ts [options]

  --minutes N  of churn (30)
  --proxies N  fake sidecars, half of them agents of ours (300)
  --rate N     changes a second (10)
  --json FILE  writes the figures there

Ends with 1 where the heap grows in the second half, or where more is left than there was before the first sidecar.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    proxies: { type: "string", default: "300" },
    rate: { type: "string", default: "10" },
    json: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const [minutes, proxies, rate] = [values.minutes, values.proxies, values.rate].map(Number) as [number, number, number];
if (values.help || !(minutes > 0 && proxies > 1 && rate > 0)) {
  console.log(help);
  process.exit(values.help ? 0 : 2);
}

/** Each a scope of its own. */
const namespaces = ["team-a", "team-b", "team-c"];
/** Growth of the heap that counts as none, MB a minute; also what is less than twice its own standard error does. */
const flatMbAMinute = 0.1;
/** Sidecars are away for as long as this, milliseconds: a hundredth of them, then the next. */
const turnMs = 1_000;
/** Longest wait until scopes without users are disposed of: they linger for 60 s. */
const leaveMs = 120_000;
/** Code that is compiled on first use, and logs of bounded length that were empty: what may be left of the heap, MB. */
const leftMb = 16;
/** Timers and handles that may be on their way at the moment of looking. */
const leftHandles = 2;
/** Counts of /debug/memory that are zero, or as before, without sidecars. */
const comparedParts = [
  ...["scopes", "views of workloads", "clients", "interned resources", "streams", "subscriptions"],
  ...["names that wait to be sent", "refused resources", "responses on their way", "unfinished requests"],
];

interface MemoryPage {
  parts: { part: string; count?: number; bytes?: number }[];
  collections: { name: string; count: number; size: number }[];
}

interface Look {
  heapMb: number;
  externalMb: number;
  rssMb: number;
  timers: number;
  handles: number;
  counts: Record<string, number>;
}

const control = new MeasuredControlPlane();
const fleet = new Fleet();
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interrupted.abort());
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  await fleet.stop();
  await control.stop();
}

async function soak(): Promise<boolean> {
  const { configDir: folder } = control.run;
  writeMesh(folder, mesh);
  await control.up();
  const churn = new FileChurn({ folder, mesh, namespaces });
  await sleep(5_000);
  const before = await look();
  print("before", before, "");
  const half = proxies >> 1;
  const namespaceOf = (index: number): string => namespaces[index % namespaces.length] ?? "";
  await fleet.connect(control.url, foreignNodes(half, 0, namespaceOf), { way: "whole" });
  await fleet.connect(control.url, foreignNodes(proxies - half, half, namespaceOf), { way: "parts" });

  const startMs = performance.now();
  const looks: Look[] = [];
  const changing = repeat(1000 / rate, () => churn.next());
  const turning = repeat(turnMs, () => fleet.turn(control.url, Math.ceil(proxies / 100)));
  while (looks.length < minutes && !interrupted.signal.aborted) {
    await sleep(startMs + (looks.length + 1) * 60_000 - performance.now());
    const now = await look();
    looks.push(now);
    const { connected, incomplete } = await fleet.figures();
    const behind = now.counts["names that wait to be sent"] ?? 0;
    const perSecond = churn.count / ((performance.now() - startMs) / 1000);
    const flow = `${connected} connected, ${incomplete} on their way, ${behind} names behind, ${perSecond.toFixed(1)} changes/s`;
    write({ before, looks });
    print(`minute ${looks.length}`, now, `${flow}, stall ${now.stallMs.toFixed(0)} ms`);
  }
  await changing.stop();
  await turning.stop();

  if (interrupted.signal.aborted) return false;

  await fleet.drop();
  churn.restore();
  const after = await whenGone(before);
  print("after", after, "");
  const left = leftOver(before, after);
  const second = looks.slice(looks.length >> 1);
  const slope = slopeOf(second.map(({ heapMb }, minute) => [minute, heapMb]));
  const grows = slope.perUnit > flatMbAMinute && slope.perUnit > 2 * slope.error;
  const noise = `${slope.perUnit.toFixed(3)} ± ${slope.error.toFixed(3)} MB a minute over the last ${second.length} minutes`;
  console.log(`heap: ${grows ? "grows" : "flat"}, ${noise}`);
  console.log(`left behind: ${left.length === 0 ? "nothing" : left.join("; ")}`);
  write({ before, looks, after, slope, left });
  return !grows && left.length === 0;
}

/** Each minute, so that what there is so far can be looked at. */
function write(figures: unknown): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
}

/** What is held, after garbage was collected. */
async function look(): Promise<Look & { stallMs: number }> {
  const { stallMs } = await control.figures();
  // What finalizers let go is garbage of the next collection.
  for (let round = 0; round < 2; round++) await control.collectGarbage();
  const { heapMb, externalMb, rssMb, timers, active } = await control.figures();
  const { Timeout: _, Immediate: __, ...handles } = active;
  const sum = Object.values(handles).reduce((all, count) => all + count, 0);
  return { heapMb, externalMb, rssMb, timers, handles: sum, counts: await counts(), stallMs };
}

/** Looks until nothing of the sidecars is left; asked every 2 s, because scopes go without telling. */
async function whenGone(before: Look): Promise<Look> {
  const endMs = performance.now() + leaveMs;
  for (;;) {
    await sleep(2_000);
    const now = await counts();
    const same = Object.entries(now).every(([name, count]) => count <= (before.counts[name] ?? 0));
    if (same || performance.now() > endMs) return look();
  }
}

function leftOver(before: Look, after: Look): string[] {
  const left: string[] = [];
  const compare = (name: string, was: number, is: number, tolerance: number): void => {
    if (is > was + tolerance) left.push(`${name}: ${format(is)} where ${format(was)} were`);
  };
  compare("heap, MB", before.heapMb, after.heapMb, leftMb);
  compare("timers", before.timers, after.timers, leftHandles);
  compare("handles", before.handles, after.handles, leftHandles);
  for (const [name, count] of Object.entries(after.counts)) compare(name, before.counts[name] ?? 0, count, 0);
  return left;
}

/** Of the parts and the collections. */
async function counts(): Promise<Record<string, number>> {
  const page = (await ask("/debug/memory")) as MemoryPage;
  const parts = page.parts.filter(({ part }) => comparedParts.includes(part));
  return Object.fromEntries([
    ...parts.map(({ part, count, bytes }) => [part, count ?? bytes ?? 0] as const),
    ...page.collections.map(({ name, count }) => [`collections ${name}`, count] as const),
    ...page.collections.map(({ name, size }) => [`values of ${name}`, size] as const),
  ]);
}

function ask(path: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const headers = { accept: "application/json" };
  get(`${control.run.addresses.api}${path}`, { ...control.run.credentials(), headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
  }).on("error", reject);
  return promise;
}

/** Does something at an interval, one after the other, until it is stopped. */
function repeat(everyMs: number, what: () => unknown): { stop(): Promise<void> } {
  let stopped = false;
  const run = async (): Promise<void> => {
    for (let dueMs = performance.now(); !stopped; ) {
      await what();
      dueMs += everyMs;
      await sleep(dueMs - performance.now());
    }
  };
  const running = run();
  return {
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(0, ms));
    interrupted.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function print(when: string, { rssMb, heapMb, externalMb, timers, handles }: Look, more: string): void {
  const memory = `resident ${format(rssMb)} MB, heap ${format(heapMb)} MB, external ${format(externalMb)} MB`;
  console.log(`${when.padEnd(10)} ${memory}, ${timers} timers, ${handles} handles${more === "" ? "" : `, ${more}`}`);
}

function format(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
