import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { systemRandom } from "../../kernel/random.ts";
import { routePartsCapability } from "../../xds/capability.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { SealedFolder } from "../storage/sealed-folder.ts";
import type { FakeEnvoy, FakeEnvoyOptions } from "./envoy.fake.ts";
import { PartedRoutes, partLimit, strayMs } from "./parted-routes.ts";
import { partsOfRoute, wholeRoute } from "./parted-table.fake.ts";
import { relayRig, textResource } from "./relay.fake.ts";
import { StoredResources } from "./stored-resources.ts";

const { cluster, listener, route, routePart } = typeUrls;
const root = mkdtempSync(join(tmpdir(), "lateen-parts-"));
after(() => rmSync(root, { recursive: true }));

/** A control plane that serves routes in parts, and an Envoy that asks for two route configurations. */
function partedRig(hosts: Record<string, string>, options?: FakeEnvoyOptions) {
  const rig = relayRig();
  rig.control.capabilities = [routePartsCapability];
  rig.control.set(routePart, partsOfRoute("80", hosts));
  rig.connect();
  return { ...rig, proxy: startEnvoy(rig, options) };
}

function startEnvoy(rig: Pick<ReturnType<typeof relayRig>, "envoy">, options?: FakeEnvoyOptions): FakeEnvoy {
  const proxy = rig.envoy(options);
  for (const type of [cluster, listener]) proxy.subscribe(type, []);
  proxy.subscribe(route, ["80"]);
  return proxy;
}

/** What one change of the virtual hosts is. */
function difference(before: Record<string, string>, next: Record<string, string>) {
  const held = new Map(partsOfRoute("80", before).map(({ name, version }) => [name, version]));
  const parts = partsOfRoute("80", next);
  const kept = new Set(parts.map(({ name }) => name));
  return {
    sent: parts.filter(({ name, version }) => held.get(name) !== version),
    removed: [...held.keys()].filter((name) => !kept.has(name)),
  };
}

const versionOf = (hosts: Record<string, string>): string => wholeRoute("80", hosts).version;

test("Envoy is given the bytes of the whole, and after a change of one virtual host two small resources have come", () => {
  const before = { ax: "a.example", by: "b.example" };
  const { control, proxy, relay } = partedRig(before);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(before) });
  const next = { ...before, by: "c.example" };
  const { sent, removed } = difference(before, next);
  assert.deepEqual([sent.map(({ name }) => name), removed], [["80", "80/by"], []]);
  control.set(routePart, sent, removed);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(next) });
  const resource = proxy.responses.at(-1)?.resources[0]?.resource;
  assert.equal(resource?.typeUrl, route);
  assert.deepEqual(Buffer.from(resource?.value ?? []), Buffer.from(wholeRoute("80", next).body));
  assert.deepEqual(control.answers(routePart), ["ACK", "ACK"]);
  assert.deepEqual([...control.names(route)], [], "nothing is asked for whole");
  assert.equal(relay.cacheOf(route).get("80")?.version, versionOf(next));
});

test("parts are acknowledged when Envoy has decided about what they make", () => {
  let holding = false;
  const { control, proxy } = partedRig({ ax: "a.example" }, { holds: () => holding });
  holding = true;
  control.set(routePart, partsOfRoute("80", { ax: "b.example" }));
  assert.deepEqual(control.answers(routePart), ["ACK"]);
  proxy.release();
  assert.deepEqual(control.answers(routePart), ["ACK", "ACK"]);
});

test("parts that are not all here yet are acknowledged at once, and Envoy keeps what it has", () => {
  const before = { ax: "a.example", by: "b.example" };
  const { control, proxy } = partedRig(before);
  const next = { ax: "c.example", by: "d.example" };
  const [head, ...parts] = difference(before, next).sent;
  assert.ok(head !== undefined);
  for (const part of [head, ...parts.slice(1)]) control.set(routePart, [part]);
  assert.deepEqual(control.answers(routePart), ["ACK", "ACK", "ACK"]);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(before) });
  control.set(routePart, parts.slice(0, 1));
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(next) });
  assert.deepEqual(proxy.sent(route), [["80"], ["80"]], "nothing in between");
});

test("where a part does not come, the whole is asked for, and parts are used again when they fit", async () => {
  const before = { ax: "a.example" };
  const { clock, control, lines, proxy } = partedRig(before);
  const lost = { ax: "b.example" };
  control.resources.set(route, new Map([["80", wholeRoute("80", lost)]]));
  control.set(routePart, partsOfRoute("80", lost).slice(0, 1));
  await clock.advance(strayMs - 1);
  assert.deepEqual([...control.names(route)], []);
  await clock.advance(1);
  assert.deepEqual([...control.names(route)], ["80"]);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(lost) });
  assert.match(lines.find(({ level }) => level === "warn")?.msg ?? "", /do not fit together/);
  const next = { ax: "c.example" };
  control.set(routePart, partsOfRoute("80", next));
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(next) });
  assert.deepEqual([...control.names(route)], []);
  // What was on its way when parts took over is older.
  control.send(route, [wholeRoute("80", lost)]);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(next) });
});

test("a refusal names the head, the last good routes stay, and any change is tried", () => {
  const good = { ax: "a.example", by: "b.example" };
  const refuse = (name: string, body: string) => (body.includes("BAD") ? `bad domain in ${name}` : undefined);
  const { control, proxy, relay } = partedRig(good, { refuse });
  const bad = { ...good, by: "BAD.example" };
  const toBad = difference(good, bad);
  control.set(routePart, toBad.sent, toBad.removed);
  assert.deepEqual(control.answers(routePart), ["ACK", "80: bad domain in 80"]);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(good) });
  const still = { ...bad, ax: "c.example" };
  const toStill = difference(bad, still);
  control.set(routePart, toStill.sent, toStill.removed);
  assert.equal(control.answers(routePart).at(-1), "80: bad domain in 80");
  assert.equal(relay.cacheOf(route).get("80")?.version, versionOf(good));
  const cured = { ax: "c.example" };
  const toCured = difference(still, cured);
  assert.deepEqual(toCured.removed, ["80/by"]);
  control.set(routePart, toCured.sent, toCured.removed);
  assert.equal(control.answers(routePart).at(-1), "ACK");
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(cured) });
});

test("after a reconnect with equal content nothing is sent, neither in parts nor, by an older control plane, whole", () => {
  const hosts = { ax: "a.example", by: "b.example" };
  const { control, proxy, connect } = partedRig(hosts);
  const count = proxy.responses.length;
  const sentOf = (typeUrl: string) =>
    control.requests.filter((request) => request.typeUrl === typeUrl && request.responseNonce === "").at(-1);
  control.disconnect();
  connect();
  assert.deepEqual(Object.keys(sentOf(routePart)?.initialResourceVersions ?? {}).sort(), ["80", "80/ax", "80/by"]);
  assert.equal(sentOf(route), undefined);
  control.disconnect();
  control.capabilities = undefined;
  control.resources.set(route, new Map([["80", wholeRoute("80", hosts)]]));
  connect();
  assert.deepEqual(sentOf(route)?.initialResourceVersions, { "80": versionOf(hosts) });
  assert.deepEqual([...control.names(route)], ["80"]);
  assert.deepEqual([...control.names(routePart)], []);
  control.disconnect();
  control.capabilities = [routePartsCapability];
  connect();
  assert.deepEqual([...control.names(route)], []);
  assert.equal(proxy.responses.length, count);
});

test("a control plane without the capability is never asked for parts", () => {
  const rig = relayRig();
  rig.control.capabilities = ["something-else"];
  rig.connect();
  const proxy = startEnvoy(rig);
  rig.control.set(route, [textResource("80", "1")]);
  assert.deepEqual(proxy.inForce(route), { "80": "1" });
  assert.ok(!rig.control.requests.some(({ typeUrl }) => typeUrl === routePart));
});

test("who holds more parts than a request may name asks for the whole when it connects again", () => {
  const unused = () => assert.fail("nothing is received");
  const host = { routes: unused, asked: () => new Set(["80"]), wantedChanged: unused };
  const ways = [partLimit, partLimit + 1].map((held) => {
    const parted = new PartedRoutes(host, { clock: new FakeClock(), log: fakeLog().log });
    parted.opened();
    parted.announced(true, held);
    return [parted.wantsParts, parted.wantsWhole("80")];
  });
  assert.deepEqual(ways, [
    [true, false],
    [false, true],
  ]);
});

test("a route configuration that has no head is asked for whole, so that Envoy learns that it does not exist", () => {
  const { control, proxy } = partedRig({ ax: "a.example" });
  proxy.subscribe(route, ["9090"]);
  assert.deepEqual([...control.names(route)], ["9090"]);
  assert.deepEqual(proxy.sent(route).at(-1), ["-9090"]);
});

test("after a reboot with the control plane dead Envoy gets its routes, and with it back nothing is sent again", async () => {
  const hosts = { ax: "a.example", by: "b.example" };
  const folder = join(root, "reboot");
  const stored = async (rig: ReturnType<typeof relayRig>) => {
    const sealed = await SealedFolder.open({ folder, random: systemRandom, self: process.getuid?.() ?? 0 });
    return new StoredResources({ relay: rig.relay, folder: sealed, clock: rig.clock, log: fakeLog().log });
  };
  const first = relayRig();
  const disk = await stored(first);
  await disk.start();
  first.control.capabilities = [routePartsCapability];
  first.control.set(routePart, partsOfRoute("80", hosts));
  first.connect();
  startEnvoy(first);
  await disk.stop();

  const second = relayRig();
  await (await stored(second)).start();
  const proxy = startEnvoy(second);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(hosts) });
  const count = proxy.responses.length;
  second.control.capabilities = [routePartsCapability];
  second.control.resources.set(routePart, new Map(partsOfRoute("80", hosts).map((part) => [part.name, part])));
  second.connect();
  assert.equal(proxy.sent(route).length, 1);
  assert.ok(proxy.responses.length <= count + 2, "at most that there are no clusters and no listeners");
  const next = { ...hosts, by: "c.example" };
  const { sent, removed } = difference(hosts, next);
  second.control.set(routePart, sent, removed);
  assert.deepEqual(proxy.inForce(route), { "80": versionOf(next) });
});

test("while changes follow each other Envoy is given the newest after a rest, and is never a second behind", async () => {
  let holding = false;
  const { clock, control, proxy } = partedRig({ ax: "0.example" }, { holds: () => holding });
  const given = () => proxy.sent(route).length;
  const before = given();
  holding = true;
  const change = (number: number) => control.set(routePart, partsOfRoute("80", { ax: `${number}.example` }));
  change(1);
  assert.equal(given(), before + 1, "the first goes at once");
  await clock.advance(20);
  proxy.release();
  for (let number = 2; number <= 11; number += 1) {
    change(number);
    await clock.advance(100);
    proxy.release();
    assert.ok(given() <= before + 1 + number);
  }
  assert.ok(given() < before + 8, `${given() - before} updates of 11 changes`);
  await clock.advance(500);
  proxy.release();
  assert.deepEqual(proxy.inForce(route), { "80": versionOf({ ax: "11.example" }) });
});

test("what Envoy asks for, it is given at once, however little it has rested", async () => {
  let holding = false;
  const { clock, control, proxy } = partedRig({ ax: "0.example" }, { holds: () => holding });
  control.set(routePart, partsOfRoute("8080", { ax: "a.example" }));
  holding = true;
  control.set(routePart, partsOfRoute("80", { ax: "1.example" }));
  await clock.advance(20);
  proxy.release();
  holding = false;
  control.set(routePart, partsOfRoute("80", { ax: "2.example" }));
  assert.deepEqual(proxy.inForce(route), { "80": versionOf({ ax: "1.example" }) });
  proxy.subscribe(route, ["8080"]);
  assert.equal(proxy.inForce(route)["8080"], wholeRoute("8080", { ax: "a.example" }).version);
});
