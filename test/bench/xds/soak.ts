// Whether a control plane that runs for long stays as it is: `node test/bench/xds/soak.ts`. Half of its fake sidecars are sent
// whole routes, half virtual hosts one by one; some of them are always away, and everything changes all the time.
import { writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { thousandServices, writeMesh } from "../../kit/large-mesh.ts";
import { FileChurn } from "./file-churn.ts";
import { Fleet } from "./fleet.ts";
import { MeasuredControlPlane } from "./measured-control-plane.ts";
import { foreignNodes } from "./sidecar-nodes.ts";
import { type Slope, slopeOf } from "./slope.ts";

const help = `Runs a control plane under churn, and looks whether it grows.

  node test/bench/xds/soak.ts [options]

  --minutes N  of churn (30); half of them do not count, at least 6, and those until everything has changed once
  --proxies N  fake sidecars, half of them agents of ours (300)
  --rate N     changes a second (10)
  --services N of the mesh, a tenth of them routed (1000)
  --json FILE  writes the figures there
  --snapshots FOLDER  writes .heapsnapshot files there: at half the time, at the end of the churn, and when all have left

Ends with 1 where the heap grows, or where more is left than there was before the first sidecar. Tells of everything that
/debug/memory counts how much it grew a minute.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    proxies: { type: "string", default: "300" },
    rate: { type: "string", default: "10" },
    services: { type: "string", default: String(thousandServices.services) },
    json: { type: "string" },
    snapshots: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const [minutes = 0, proxies = 0, rate = 0, services = 0] = [
  ...[values.minutes, values.proxies, values.rate, values.services].map(Number),
];
if (values.help || !(minutes > 0 && proxies > 1 && rate > 0 && services >= 100)) {
  console.log(help);
  process.exit(values.help ? 0 : 2);
}
const mesh = { ...thousandServices, services, routed: services / 10 };

/** Each a scope of its own. */
const namespaces = ["team-a", "team-b", "team-c"];
const heapName = "heap, MB";
/** Growth of the heap that counts as none, MB a minute; also what is less than twice its own standard error does. */
const flatMbAMinute = 0.1;
/**
 * What is kept for a time, or up to a number, has to fill up before growth means anything, minutes: changes for watches of the
 * API and texts of requests are kept for five; the lists of the last 1,000 changes and 500 pushes (/debug) are full sooner.
 * And of all that has changed, what proxies accepted before is kept.
 */
const warmUpMinutes = Math.max(6, Math.ceil(FileChurn.roundOf(mesh) / rate / 60));
/** Fewer looks say nothing. */
const fewestLooks = 4;
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
    if (looks.length === minutes >> 1) await snapshot("half");
    print(`minute ${looks.length}`, now, `${flow}, stall ${now.stallMs.toFixed(0)} ms`);
  }
  await changing.stop();
  await turning.stop();
  await snapshot("end");

  if (interrupted.signal.aborted) return false;

  await fleet.drop();
  churn.restore();
  const after = await whenGone(before);
  await snapshot("after");
  print("after", after, "");
  const left = leftOver(before, after);
  const judged = looks.slice(Math.max(looks.length >> 1, warmUpMinutes));
  const slopes = Object.fromEntries(Object.keys(figuresOf(after)).map((name) => [name, growth(judged, name)] as const));
  for (const [name, { perUnit, error }] of Object.entries(slopes)) {
    if (Math.abs(perUnit) > 2 * error) console.log(`  ${name}: ${signed(perUnit)} ± ${error.toFixed(3)} a minute`);
  }
  const slope = growth(judged, heapName);
  const isShort = judged.length < fewestLooks;
  const grows = slope.perUnit > flatMbAMinute && slope.perUnit > 2 * slope.error;
  const told = `${signed(slope.perUnit)} ± ${slope.error.toFixed(3)} MB a minute over the last ${judged.length} minutes`;
  if (isShort) console.log(`heap: not known, such a run has to be of ${warmUpMinutes + fewestLooks} minutes at least`);
  else console.log(`heap: ${grows ? "grows" : "flat"}, ${told}`);
  console.log(`left behind: ${left.length === 0 ? "nothing" : left.join("; ")}`);
  write({ before, looks, after, slopes, left });
  return !isShort && !grows && left.length === 0;
}

/** All that is looked at, by name. */
function figuresOf({ heapMb, externalMb, rssMb, timers, handles, counts }: Look): Record<string, number> {
  return { [heapName]: heapMb, "external, MB": externalMb, "resident, MB": rssMb, timers, handles, ...counts };
}

/** Of one figure, a minute. A collection that is not there holds nothing. */
function growth(looks: readonly Look[], name: string): Slope {
  return slopeOf(looks.map((look, minute) => [minute, figuresOf(look)[name] ?? 0]));
}

/** Each minute, so that what there is so far can be looked at. */
function write(figures: unknown): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
}

async function snapshot(name: string): Promise<void> {
  const { snapshots } = values;
  if (snapshots === undefined) return;
  await control.writeHeapSnapshot(join(snapshots, `${name}.heapsnapshot`));
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
    const same = Object.entries(now).every(([name, count]) => !isCompared(name) || count <= (before.counts[name] ?? 0));
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
  for (const [name, count] of Object.entries(after.counts))
    if (isCompared(name)) compare(name, before.counts[name] ?? 0, count, 0);
  return left;
}

/** Without sidecars it has to be as it was before them. */
function isCompared(name: string): boolean {
  return comparedParts.includes(name) || /^(collections|values of) /.test(name);
}

/** Of the parts and the collections. */
async function counts(): Promise<Record<string, number>> {
  const page = (await ask("/debug/memory")) as MemoryPage;
  return Object.fromEntries([
    ...page.parts.flatMap(({ part, count, bytes }) => [
      ...(count === undefined ? [] : [[part, count] as const]),
      ...(bytes === undefined ? [] : [[count === undefined ? part : `bytes of ${part}`, bytes] as const]),
    ]),
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

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(3)}`;
}

function format(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
