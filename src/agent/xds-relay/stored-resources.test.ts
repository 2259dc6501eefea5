import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fakeLog } from "../../kernel/log.fake.ts";
import { systemRandom } from "../../kernel/random.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { SealedFolder } from "../storage/sealed-folder.ts";
import { FakeControlPlane } from "./control-plane.fake.ts";
import { FakeEnvoy } from "./envoy.fake.ts";
import { edsCluster, fakeRelay, textResource } from "./relay.fake.ts";
import { longestRestMs, StoredResources, settleMs } from "./stored-resources.ts";

const { cluster, endpoint, listener, nameTable, query } = typeUrls;
const root = mkdtempSync(join(tmpdir(), "lateen-stored-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

async function machine(folder: string) {
  const made = fakeRelay();
  const { log, lines } = fakeLog();
  const sealed = await SealedFolder.open({ folder, random: systemRandom, self: process.getuid?.() ?? 0 });
  const stored = new StoredResources({ relay: made.relay, folder: sealed, clock: made.clock, log });
  made.relay.follow(nameTable, () => {});
  made.relay.follow(query, () => {});
  await stored.start();
  const control = new FakeControlPlane();
  return {
    ...made,
    stored,
    control,
    storedLines: lines,
    connect: () => control.connect((send) => made.relay.openUpstream(send)),
  };
}

test("after a reboot with the control plane dead, Envoy is served what it had (DESIGN law 6)", async () => {
  const folder = join(root, `${count++}`);
  const first = await machine(folder);
  first.connect();
  const before = new FakeEnvoy((call) => first.relay.acceptEnvoy(call));
  before.subscribe(cluster, []);
  before.subscribe(listener, []);
  before.subscribe(endpoint, ["c"]);
  first.control.set(cluster, [textResource("c", "7")]);
  first.control.set(endpoint, [textResource("c", "3")]);
  await first.clock.advance(settleMs);
  await first.stored.stop();

  const second = await machine(folder);
  const after = new FakeEnvoy((call) => second.relay.acceptEnvoy(call));
  after.subscribe(cluster, []);
  after.subscribe(listener, []);
  after.subscribe(endpoint, ["c"]);
  assert.deepEqual(after.inForce(cluster), { c: "7" });
  assert.deepEqual(after.sent(listener), [[]]);
  assert.deepEqual(after.inForce(endpoint), { c: "3" });

  // The control plane is back: it is told what is held, also of names that Envoy has not asked for again.
  second.connect();
  const requests = second.control.requests.filter(({ responseNonce }) => responseNonce === "");
  assert.deepEqual(requests.find(({ typeUrl }) => typeUrl === cluster)?.initialResourceVersions, { c: "7" });
  assert.deepEqual(requests.find(({ typeUrl }) => typeUrl === endpoint)?.resourceNamesSubscribe, ["c"]);
  await second.stored.stop();
});

test("only what Envoy accepted is kept, and what was kept is replaced by what came later", async () => {
  const folder = join(root, `${count++}`);
  const first = await machine(folder);
  first.connect();
  const refuse = (_name: string, body: string) => (body === "bad" ? "no" : undefined);
  const proxy = new FakeEnvoy((call) => first.relay.acceptEnvoy(call), { refuse });
  proxy.subscribe(cluster, []);
  first.control.set(cluster, [textResource("c", "1"), textResource("d", "1")]);
  first.control.set(cluster, [textResource("c", "2", "bad"), textResource("e", "1", "bad")], ["d"]);
  first.control.set(nameTable, [textResource("", "1")]);
  await first.stored.stop();
  const second = await machine(folder);
  assert.deepEqual(second.relay.cacheOf(cluster).versions(), { c: "1" });
  second.connect();
  second.control.set(nameTable, [textResource("", "2")]);
  await second.stored.stop();
  const third = await machine(folder);
  assert.deepEqual(third.relay.cacheOf(nameTable).versions(), { "": "2" });
  await third.stored.stop();
});

test("damaged, foreign and missing files cost only their type", async () => {
  const folder = join(root, `${count++}`);
  const first = await machine(folder);
  first.connect();
  first.control.set(cluster, [textResource("c", "1")]);
  first.control.set(listener, [textResource("l", "1")]);
  await first.stored.stop();
  writeFileSync(join(folder, "clusters"), "LATEEN\0\u0001 and nonsense", { mode: 0o600 });
  const second = await machine(folder);
  assert.equal(second.relay.cacheOf(cluster).answered, false);
  assert.deepEqual(second.relay.cacheOf(listener).versions(), { l: "1" });
  assert.equal(second.storedLines.filter(({ level }) => level === "warn").length, 1);
  await second.stored.stop();
});

test("a stored cluster whose load assignment was not stored does not keep Envoy from opening listeners", async () => {
  const folder = join(root, `${count++}`);
  const first = await machine(folder);
  first.connect();
  const before = new FakeEnvoy((call) => first.relay.acceptEnvoy(call));
  before.subscribe(cluster, []);
  before.subscribe(endpoint, ["whole"]);
  const clusters = [edsCluster("whole", "1"), edsCluster("new", "1"), textResource("static", "1")];
  first.control.set(cluster, clusters);
  first.control.set(endpoint, [textResource("whole", "1")]);
  await first.stored.stop(); // before Envoy has asked for what is new

  const second = await machine(folder);
  const after = new FakeEnvoy((call) => second.relay.acceptEnvoy(call));
  after.subscribe(cluster, []);
  after.subscribe(endpoint, ["whole"]);
  assert.deepEqual(after.inForce(cluster), { whole: "1", static: "1" });
  assert.deepEqual(after.inForce(endpoint), { whole: "1" });
  assert.deepEqual(
    second.storedLines.filter(({ level }) => level === "warn").map(({ msg }) => msg),
    ["stored clusters without a load assignment were left out"],
  );
  second.control.set(cluster, clusters);
  second.connect();
  assert.deepEqual(after.inForce(cluster), { whole: "1", static: "1", new: "1" });
  await second.stored.stop();
});

test("questions are not kept", async () => {
  const folder = join(root, `${count++}`);
  const first = await machine(folder);
  first.connect();
  first.control.set(query, [textResource("q1", "1")]);
  await first.stored.stop();
  assert.ok(!readdirSync(folder).some((name) => name.includes("quer")));
});

test("a full disk is logged, and nothing else suffers", async () => {
  const folder = join(root, `${count++}`);
  const first = await machine(folder);
  first.connect();
  rmSync(folder, { recursive: true });
  first.control.set(cluster, [textResource("c", "1")]);
  await first.stored.stop();
  assert.match(first.storedLines.at(-1)?.msg ?? "", /could not be kept/);
  assert.deepEqual(first.relay.cacheOf(cluster).versions(), { c: "1" });
});

test("a slow disk is given the newest less often, and nothing is forgotten", async () => {
  const { relay, clock } = fakeRelay();
  const writes: { atMs: number; done: () => void }[] = [];
  const folder = {
    read: async () => undefined,
    write: (name: string) =>
      new Promise<void>((done) => {
        if (name === "clusters") writes.push({ atMs: clock.monotonic(), done });
        else done();
      }),
  };
  const stored = new StoredResources({ relay, folder, clock, log: fakeLog().log });
  await stored.start();
  const control = new FakeControlPlane();
  control.connect((send) => relay.openUpstream(send));
  const writeIn = async (tookMs: number): Promise<number> => {
    for (let waitedMs = 0; writes.length === 0; waitedMs += 100) {
      assert.ok(waitedMs < 100_000, "nothing is written");
      await clock.advance(100);
    }
    const [{ atMs, done } = { atMs: 0, done: () => {} }] = writes.splice(0);
    await clock.advance(tookMs);
    control.set(cluster, [textResource("c", `${atMs}`)]); // while it is written
    done();
    await turn(); // what follows the write is done before time goes on
    return atMs;
  };
  await writeIn(0);
  const second = await writeIn(500);
  const third = await writeIn(10_000);
  assert.equal(third - second, 500 + 20 * 500);
  const fourth = await writeIn(0);
  assert.equal(fourth - third, 10_000 + longestRestMs);
  const ended = stored.stop();
  await turn();
  assert.equal(writes.length, 1, "the last change is kept when the agent ends");
  for (const { done } of writes.splice(0)) done();
  await ended;
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
