import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import type { Change, Collection } from "../../collection/collection.ts";
import { Graph } from "../../collection/graph.ts";
import type { Config } from "../../config/object.ts";
import type { VirtualService } from "../../config/virtual-service/virtual-service.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import type { Cancel } from "../../kernel/clock.ts";
import { systemClock } from "../../kernel/clock.ts";
import type { LateenError } from "../../kernel/error.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { type ConfigFolder, type ConfigFolderOptions, watchConfigFolder } from "./config-folder.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-files-"));
const running: ConfigFolder[] = [];
after(async () => {
  await Promise.all(running.map((folder) => folder.stop()));
  rmSync(root, { recursive: true, force: true });
});
let folders = 0;

function newFolder(files: Record<string, string> = {}): string {
  const folder = join(root, `${folders++}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function start(folder: string, options: Partial<ConfigFolderOptions> = {}): ConfigFolder {
  const base = { graph: new Graph(), clock: systemClock, log: fakeLog().log, source: "c" };
  const watched = watchConfigFolder(folder, { ...base, ...options });
  running.push(watched);
  return watched;
}

async function load(folder: string, options: Partial<ConfigFolderOptions> = {}): Promise<ConfigFolder> {
  const watched = start(folder, options);
  await watched.ready;
  return watched;
}

async function until<T>(collection: Collection<T>, done: () => boolean): Promise<void> {
  if (done()) return;
  await new Promise<void>((resolve) => {
    const cancel = collection.subscribe(() => {
      if (!done()) return;
      cancel();
      resolve();
    });
  });
}

function policy(name: string, mode = "STRICT"): string {
  return [
    "---",
    "apiVersion: security.istio.io/v1",
    "kind: PeerAuthentication",
    `metadata: { name: ${name}, namespace: shop }`,
    "spec:",
    `  mtls: { mode: ${mode} }`,
    "",
  ].join("\n");
}

const keyOf = (name: string): string => `c/security.istio.io/PeerAuthentication/shop/${name}`;
const modeOf = (folder: ConfigFolder, name: string): unknown =>
  (folder.objects.get(keyOf(name))?.spec as { mtls: { mode: string } } | undefined)?.mtls.mode;
const names = (folder: ConfigFolder): string[] => [...folder.objects.values()].map(({ meta }) => meta.name).sort();

/** Puts a complete file in place, as editors and tools do. */
function moveInto(folder: string, name: string, text: string): void {
  writeFileSync(join(root, "staged"), text);
  renameSync(join(root, "staged"), join(folder, name));
}

function record(folder: ConfigFolder): Change<Config>[] {
  const changes: Change<Config>[] = [];
  folder.objects.subscribe((batch) => changes.push(...batch));
  return changes;
}

test("all files of the folder and below it are read, and nothing else", async () => {
  const folder = newFolder({
    "a.yaml": policy("a") + policy("b"),
    "c.yml": policy("c"),
    "d.json": JSON.stringify({
      apiVersion: "security.istio.io/v1beta1",
      kind: "PeerAuthentication",
      metadata: { name: "d", resourceVersion: "7", uid: "u", labels: { app: "d" } },
      spec: {},
    }),
    "notes.txt": policy("notes"),
    ".hidden.yaml": policy("hidden"),
    "save.yaml~": policy("backup"),
  });
  mkdirSync(join(folder, "deep/er"), { recursive: true });
  writeFileSync(join(folder, "deep/er/e.yaml"), policy("e"));
  symlinkSync("..", join(folder, "deep/loop"));
  symlinkSync("nowhere.yaml", join(folder, "dangling.yaml"));
  spawnSync("mkfifo", [join(folder, "pipe.yaml")]);
  const watched = await load(folder, { defaultNamespace: "other" });
  assert.deepEqual(names(watched), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(watched.objects.get("c/security.istio.io/PeerAuthentication/other/d"), {
    key: { source: "c", group: "security.istio.io", kind: "PeerAuthentication", namespace: "other", name: "d" },
    meta: { name: "d", namespace: "other", labels: { app: "d" } },
    spec: {},
    origin: { file: join(folder, "d.json"), line: 1 },
  });
  assert.deepEqual(watched.objects.get(keyOf("b"))?.origin, { file: join(folder, "a.yaml"), line: 8 });
  assert.equal(watched.problems.size, 0);
});

test("an author cannot say how old an object is: the older one has what two claim", async () => {
  const text = policy("a").replace("{ name: a,", "{ creationTimestamp: '1970-01-01T00:00:00Z', uid: x, name: a,");
  const { objects } = await load(newFolder({ "a.yaml": text }));
  const [config] = objects.values();
  assert.deepEqual(config?.meta, { name: "a", namespace: "shop" });
});

test("a file moved into place changes what differs, in one batch, and lines alone are no change", async () => {
  const folder = newFolder({ "a.yaml": policy("a") + policy("b") + policy("c") });
  const watched = await load(folder);
  const changes = record(watched);
  moveInto(folder, "a.yaml", `# a note\n\n${policy("a")}${policy("b", "DISABLE")}${policy("d")}`);
  await until(watched.objects, () => watched.objects.has(keyOf("d")));
  assert.deepEqual(changes.map(({ key, before, after }) => [key, before !== undefined, after !== undefined]).sort(), [
    [keyOf("b"), true, true],
    [keyOf("c"), true, false],
    [keyOf("d"), false, true],
  ]);
  assert.deepEqual(watched.originOf(keyOf("a")), { file: join(folder, "a.yaml"), line: 4 });
});

test("a file written in place is taken once it is whole", async () => {
  const folder = newFolder({ "a.yaml": policy("a") });
  const watched = await load(folder);
  writeFileSync(join(folder, "a.yaml"), policy("a", "PERMISSIVE"));
  await until(watched.objects, () => modeOf(watched, "a") === "PERMISSIVE");
  writeFileSync(join(folder, "new.yaml"), policy("new"));
  await until(watched.objects, () => watched.objects.has(keyOf("new")));
});

/** Behind the file system's: only quiet counts. */
class NoticedClock extends FakeClock {
  private armed: () => void = () => {};

  constructor() {
    super(Date.now() - 3_600_000);
  }

  override after(delayMs: number, fn: () => void): Cancel {
    const cancel = super.after(delayMs, fn);
    this.armed();
    return cancel;
  }

  /** Until the next timer is set. */
  untilArmed(): Promise<void> {
    return new Promise((resolve) => {
      this.armed = resolve;
    });
  }
}

/** Moves a file into its place whose times do not tell that it was moved after its last write. */
function moveUntold(folder: string, name: string, text: string): void {
  const staged = join(root, "staged");
  writeFileSync(staged, text);
  const later = Date.now() / 1000 + 3_600;
  utimesSync(staged, later, later);
  renameSync(staged, join(folder, name));
}

test("a file moved into place is taken at once, also where its times do not tell", { timeout: 10_000 }, async () => {
  const folder = newFolder({ "a.yaml": policy("a") });
  const watched = await load(folder, { clock: new NoticedClock() });
  moveUntold(folder, "a.yaml", policy("a", "DISABLE"));
  await until(watched.objects, () => modeOf(watched, "a") === "DISABLE");
  moveUntold(folder, "new.yaml", policy("new"));
  await until(watched.objects, () => watched.objects.has(keyOf("new")));
});

test("a new file that was written to, or may be in the middle of its first write, must be quiet first", async () => {
  const folder = newFolder({ "a.yaml": policy("a") });
  const clock = new NoticedClock();
  const watched = await load(folder, { clock });
  const changes = record(watched);
  let armed = clock.untilArmed();
  writeFileSync(join(folder, "new.yaml"), policy("new"));
  await armed;
  assert.equal(changes.length, 0);
  await clock.advance(10);
  await until(watched.objects, () => watched.objects.has(keyOf("new")));
  armed = clock.untilArmed();
  moveUntold(folder, "pages.yaml", `${policy("pages")}#`.padEnd(4096, "-"));
  await armed;
  assert.equal(changes.length, 1);
  await clock.advance(10);
  await until(watched.objects, () => watched.objects.has(keyOf("pages")));
});

test("a folder that is named in a roundabout way is followed like any other", async () => {
  const folder = newFolder({ "a.yaml": policy("a") });
  const clock = new NoticedClock();
  const watched = await load(`${folder}/../${basename(folder)}/.`, { clock });
  const changes = record(watched);
  const armed = clock.untilArmed();
  writeFileSync(join(folder, "new.yaml"), policy("new"));
  await armed;
  assert.equal(changes.length, 0);
  await clock.advance(10);
  await until(watched.objects, () => watched.objects.has(keyOf("new")));
  moveUntold(folder, "a.yaml", policy("a", "DISABLE"));
  await until(watched.objects, () => modeOf(watched, "a") === "DISABLE");
});

test("half of a file is never taken, however long its writer needs", async () => {
  const clock = new NoticedClock();
  const untilArmed = (): Promise<void> => clock.untilArmed();
  const folder = newFolder({ "a.yaml": policy("a") + policy("b") });
  const watched = await load(folder, { clock });
  const changes = record(watched);
  // Half a document, valid by itself, then, before it was quiet, the rest.
  const whole = policy("a", "DISABLE") + policy("b", "DISABLE");
  let armed = untilArmed();
  writeFileSync(join(folder, "a.yaml"), whole.slice(0, whole.indexOf("  mtls")));
  await armed;
  armed = untilArmed();
  await clock.advance(9);
  appendFileSync(join(folder, "a.yaml"), whole.slice(whole.indexOf("  mtls"), whole.lastIndexOf("---")));
  await armed;
  assert.equal(changes.length, 0);
  // Quiet, but an object is missing that was there: it must be quiet for longer.
  armed = untilArmed();
  await clock.advance(50);
  await armed;
  assert.equal(changes.length, 0);
  armed = untilArmed();
  appendFileSync(join(folder, "a.yaml"), whole.slice(whole.lastIndexOf("---")));
  await armed;
  await clock.advance(10);
  await until(watched.objects, () => modeOf(watched, "b") === "DISABLE");
  assert.deepEqual(
    changes.map(({ key }) => key),
    [keyOf("a"), keyOf("b")],
  );
});

test("a file that is emptied keeps its objects until it is deleted or has content", async () => {
  const folder = newFolder({ "a.yaml": policy("a") });
  const watched = await load(folder);
  writeFileSync(join(folder, "a.yaml"), "");
  await until(watched.problems, () => watched.problems.size === 1);
  assert.deepEqual(names(watched), ["a"]);
  writeFileSync(join(folder, "a.yaml"), policy("b"));
  await until(watched.objects, () => watched.objects.has(keyOf("b")));
  assert.deepEqual(names(watched), ["b"]);
  assert.equal(watched.problems.size, 0);
});

test("a broken document keeps what it may have held, is reported by line, and costs the others nothing", async () => {
  const folder = newFolder({ "a.yaml": policy("a") + policy("b"), "z.yaml": policy("z") });
  const { log, lines } = fakeLog();
  const watched = await load(folder, { log });
  const file = join(folder, "a.yaml");
  moveInto(folder, "a.yaml", `${policy("a", "DISABLE")}---\nkind: [\n`);
  await until(watched.problems, () => watched.problems.has(file));
  assert.deepEqual(names(watched), ["a", "b", "z"]);
  assert.equal(modeOf(watched, "a"), "DISABLE");
  const [problem] = watched.problems.get(file) ?? [];
  assert.equal(problem?.code, "LAT1001");
  assert.equal(problem?.file, file);
  assert.ok((problem?.line ?? 0) >= 8);
  assert.ok(lines.some((line) => line.level === "warn" && String(line["problem"]).includes(file)));
  moveInto(folder, "a.yaml", policy("a"));
  await until(watched.problems, () => watched.problems.size === 0);
  assert.deepEqual(names(watched), ["a", "z"]);
});

test("an object with errors is not loaded; its last good version stays", async () => {
  const folder = newFolder({ "a.yaml": policy("a") + policy("bad", "MAYBE") });
  const watched = await load(folder);
  assert.deepEqual(names(watched), ["a"]);
  const file = join(folder, "a.yaml");
  assert.equal(watched.problems.get(file)?.[0]?.line, 12);
  moveInto(folder, "a.yaml", policy("a", "NONSENSE") + policy("c"));
  await until(watched.objects, () => watched.objects.has(keyOf("c")));
  assert.equal(modeOf(watched, "a"), "STRICT");
  assert.deepEqual(
    watched.problems.get(file)?.map(({ code, path }) => `${code} ${path}`),
    ["LAT1004 spec.mtls.mode"],
  );
});

test("a file that is deleted takes its objects with it; one that is renamed does not", async () => {
  const folder = newFolder({ "a.yaml": policy("a"), "b.yaml": policy("b") });
  const watched = await load(folder);
  const changes = record(watched);
  renameSync(join(folder, "a.yaml"), join(folder, "z.yaml"));
  await until(watched.objects, () => watched.objects.get(keyOf("a"))?.origin?.file === join(folder, "z.yaml"));
  assert.ok(changes.every((change) => change.after !== undefined));
  unlinkSync(join(folder, "b.yaml"));
  await until(watched.objects, () => !watched.objects.has(keyOf("b")));
  assert.deepEqual(names(watched), ["a"]);
});

test("an editor that moves the old file away and writes a new one makes no gap", async () => {
  const folder = newFolder({ "a.yaml": policy("a") });
  const watched = await load(folder);
  const changes = record(watched);
  writeFileSync(join(folder, "4913"), "");
  unlinkSync(join(folder, "4913"));
  renameSync(join(folder, "a.yaml"), join(folder, "a.yaml~"));
  writeFileSync(join(folder, "a.yaml"), policy("a", "DISABLE"));
  unlinkSync(join(folder, "a.yaml~"));
  await until(watched.objects, () => modeOf(watched, "a") === "DISABLE");
  assert.equal(changes.length, 1);
});

test("of two files that define one object the first path wins, with a warning, and the other takes over", async () => {
  const folder = newFolder({ "b.yaml": policy("same", "DISABLE") + policy("same") });
  const watched = await load(folder);
  const problemsOf = (name: string): string[] =>
    (watched.problems.get(join(folder, name)) ?? []).map(({ severity, code, line }) => `${severity} ${code} ${line}`);
  assert.equal(modeOf(watched, "same"), "DISABLE");
  assert.deepEqual(problemsOf("b.yaml"), ["warning LAT1012 8"]);
  moveInto(folder, "a.yaml", policy("same", "PERMISSIVE"));
  await until(watched.objects, () => modeOf(watched, "same") === "PERMISSIVE");
  assert.deepEqual(problemsOf("a.yaml"), []);
  assert.deepEqual(problemsOf("b.yaml"), ["warning LAT1012 8", "warning LAT1012 2"]);
  unlinkSync(join(folder, "a.yaml"));
  await until(watched.objects, () => modeOf(watched, "same") === "DISABLE");
  assert.deepEqual(problemsOf("b.yaml"), ["warning LAT1012 8"]);
});

test("a volume of Kubernetes is followed when its link is swung", async () => {
  const folder = newFolder();
  const version = (name: string, mode: string): void => {
    mkdirSync(join(folder, name, "sub"), { recursive: true });
    writeFileSync(join(folder, name, "a.yaml"), policy("a", mode));
    writeFileSync(join(folder, name, "sub/b.yaml"), policy("b", mode));
  };
  version("..1", "STRICT");
  symlinkSync("..1", join(folder, "..data"));
  symlinkSync("..data/a.yaml", join(folder, "a.yaml"));
  symlinkSync("..data/sub", join(folder, "sub"));
  const watched = await load(folder);
  assert.deepEqual(names(watched), ["a", "b"]);
  for (const [name, mode] of [
    ["..2", "PERMISSIVE"],
    ["..3", "DISABLE"],
  ] as const) {
    version(name, mode);
    symlinkSync(name, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    await until(watched.objects, () => modeOf(watched, "a") === mode && modeOf(watched, "b") === mode);
    assert.equal(watched.problems.size, 0);
  }
  // A write to a file behind a link, outside of any watched folder.
  writeFileSync(join(folder, "..3/a.yaml"), policy("a", "STRICT"));
  await until(watched.objects, () => modeOf(watched, "a") === "STRICT");
});

test("folders that come and go are followed", async () => {
  const folder = newFolder();
  const watched = await load(folder);
  mkdirSync(join(folder, "x/y"), { recursive: true });
  writeFileSync(join(folder, "x/y/a.yaml"), policy("a"));
  await until(watched.objects, () => watched.objects.has(keyOf("a")));
  const elsewhere = newFolder({ "b.yaml": policy("b") });
  renameSync(elsewhere, join(folder, "z"));
  await until(watched.objects, () => watched.objects.has(keyOf("b")));
  writeFileSync(join(folder, "z/c.yaml"), policy("c"));
  await until(watched.objects, () => watched.objects.has(keyOf("c")));
  rmSync(join(folder, "x"), { recursive: true });
  await until(watched.objects, () => !watched.objects.has(keyOf("a")));
  renameSync(join(folder, "z"), elsewhere);
  await until(watched.objects, () => watched.objects.size === 0);
});

test("a folder that is missing at the start is an error; one that goes away later keeps its objects", async () => {
  const missing = start(join(root, "missing"));
  await assert.rejects(missing.ready, (error: LateenError) => error.code === "LAT1101");
  const folder = newFolder({ "a.yaml": policy("a"), "b.yaml": policy("b") });
  const watched = await load(folder);
  renameSync(folder, `${folder}-away`);
  await until(watched.problems, () => watched.problems.has(folder));
  assert.deepEqual(names(watched), ["a", "b"]);
  mkdirSync(folder);
  writeFileSync(join(folder, "a.yaml"), policy("a", "DISABLE"));
  await until(watched.objects, () => modeOf(watched, "a") === "DISABLE" && watched.objects.size === 1);
  assert.equal(watched.problems.size, 0);
});

test("files that cannot be read as text are problems", async () => {
  const folder = newFolder({ "a.yaml": policy("a"), "big.yaml": "#".repeat((10 << 20) + 1) });
  writeFileSync(join(folder, "bytes.yaml"), Buffer.from([0xff, 0xfe, 0]));
  const watched = await load(folder);
  assert.deepEqual(names(watched), ["a"]);
  assert.deepEqual(
    [...watched.problems.entries()]
      .map(([path, problems]) => [path.slice(folder.length + 1), problems[0]?.code])
      .sort(),
    [
      ["big.yaml", "LAT1011"],
      ["bytes.yaml", "LAT1102"],
    ],
  );
  moveInto(folder, "a.yaml", "\xff".repeat(3));
  await until(watched.problems, () => watched.problems.has(join(folder, "a.yaml")));
  assert.deepEqual(names(watched), ["a"]);
});

test("a stopped folder follows nothing any more", async () => {
  const folder = newFolder({ "a.yaml": policy("a") });
  const clock = new FakeClock();
  const watched = await load(folder, { clock });
  writeFileSync(join(folder, "a.yaml"), policy("a", "DISABLE"));
  await watched.stop();
  await watched.stop();
  assert.equal(clock.pending, 0);
  const early = start(folder);
  await early.stop();
  await early.ready;
});

test("an object whose kind is misspelled stays as it was, and the problem names it", async () => {
  const folder = newFolder({ "a.yaml": policy("a") + policy("b") });
  const watched = await load(folder);
  moveInto(folder, "a.yaml", policy("a") + policy("b").replace("PeerAuthentication", "PeerAuthentcation"));
  await until(watched.problems, () => watched.problems.size === 1);
  assert.deepEqual(names(watched), ["a", "b"]);
  const [problem] = [...watched.problems.values()].flat();
  assert.deepEqual(problem?.object, { kind: "PeerAuthentcation", namespace: "shop", name: "b" });
});

test("a part of an object that an edit leaves as it was is held once", async () => {
  const text = (timeout: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: shop}
spec:
  hosts: [a.shop.svc.cluster.local]
  http: [{timeout: ${timeout}, route: [{destination: {host: a.shop.svc.cluster.local}}]}]
`;
  const context = { source: "c", defaultNamespace: "default" };
  const pause = (): Promise<void> => Promise.resolve();
  const first = await readConfigFile("a.yaml", text("1s"), undefined, context, pause);
  const second = await readConfigFile("a.yaml", text("2s"), first, context, pause);
  const specOf = (file: ConfigFile): VirtualService =>
    [...file.objects.values()].map(({ config }) => config.spec as VirtualService)[0] ?? assert.fail();
  assert.notEqual(specOf(second), specOf(first));
  assert.equal(specOf(second).hosts, specOf(first).hosts);
  assert.equal(specOf(second).http?.[0]?.route, specOf(first).http?.[0]?.route);
});
