import assert from "node:assert/strict";
import { test } from "node:test";
import { createCertificateRequest } from "../../identity/certificate-request.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { createKeyPair } from "../identity/key-pair.ts";
import { assembleIdentity } from "../identity/machine-identity.ts";
import { fakeRelay, textResource } from "../xds-relay/relay.fake.ts";
import { AdsLink, type LinkState } from "./ads-link.ts";
import { fakeControlPlaneServer } from "./control-plane-server.fake.ts";
import { pingIntervalMs, pingTimeoutMs, silentLimitMs } from "./liveness.ts";
import { materialOf } from "./tls-material.ts";

const { cluster } = typeUrls;

async function setUp(t: { after(fn: () => Promise<void>): void }, serverPings = true) {
  const server = await fakeControlPlaneServer();
  const clock = new FakeClock();
  const { relay } = fakeRelay();
  const keys = await createKeyPair();
  const life = { fromMs: Date.now() - 1000, toMs: Date.now() + 3_600_000 };
  const csr = await createCertificateRequest(keys.signer);
  const spiffeId = "spiffe://cluster.local/ns/shop/sa/reviews";
  const identity = assembleIdentity(await server.authority.sign(csr, spiffeId, life), keys.privateKey);
  const { log, lines } = fakeLog();
  const link = new AdsLink({
    address: { host: "127.0.0.1", port: server.port },
    serverPings,
    material: () => materialOf(identity),
    open: (send) => relay.openUpstream(send),
    clock,
    random: { fraction: () => 0.5, bytes: (length) => new Uint8Array(length) },
    log,
    metrics: new Metrics(),
  });
  t.after(async () => {
    await link.stop();
    relay.stop();
    await server.stop();
  });
  const reached = (matches: (state: LinkState) => boolean) =>
    new Promise<LinkState>((resolve) => {
      if (matches(link.state)) {
        resolve(link.state);
        return;
      }
      const end = link.onState((state) => {
        if (!matches(state)) return;
        end();
        resolve(state);
      });
    });
  const proven = () => reached((state) => state.kind === "connected" && state.proven);
  const waiting = () => reached((state) => state.kind === "waiting");
  return { server, link, relay, clock, proven, waiting, lines, spiffeId };
}

test("the link proves the machine and brings what the control plane has", async (t) => {
  const { server, link, relay, proven, spiffeId } = await setUp(t);
  server.control.set(cluster, [textResource("c", "1")]);
  link.start();
  await proven();
  assert.deepEqual(relay.cacheOf(cluster).versions(), { c: "1" });
  assert.deepEqual(server.peers, [`URI:${spiffeId}`]);
});

test("a cut connection is dialled again after a random wait, and tells what is held", async (t) => {
  const { server, link, proven, waiting, clock } = await setUp(t);
  server.control.set(cluster, [textResource("c", "1")]);
  link.start();
  await proven();
  server.control.requests.length = 0;
  server.cut();
  const state = await waiting();
  assert.ok(state.kind === "waiting");
  assert.equal(state.delayMs, 2_500); // half of the first bound of 5 s
  await clock.advance(state.delayMs);
  await proven();
  const first = server.control.requests.find(({ typeUrl }) => typeUrl === cluster);
  assert.deepEqual(first?.initialResourceVersions, { c: "1" });
});

test("waits double up to 10 s while nobody answers, and begin anew after a success", async (t) => {
  const { server, link, waiting, clock, proven } = await setUp(t);
  const { port } = server;
  await server.stop();
  link.start();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const state = await waiting();
    assert.ok(state.kind === "waiting");
    delays.push(state.delayMs);
    if (attempt < 4) await clock.advance(state.delayMs);
  }
  assert.deepEqual(delays, [2_500, 5_000, 5_000, 5_000, 5_000]);
  const again = await fakeControlPlaneServer({ port, authority: server.authority });
  t.after(() => again.stop());
  await clock.advance(5_000);
  await proven();
  again.cut();
  const state = await waiting();
  assert.equal(state.kind === "waiting" ? state.delayMs : 0, 2_500);
});

test("silence for 6 s means that Lateen's control plane is gone (F22)", async (t) => {
  const { link, proven, waiting, clock, lines } = await setUp(t);
  link.start();
  await proven();
  await clock.advance(silentLimitMs - 1_000);
  assert.equal(link.state.kind, "connected");
  await clock.advance(1_000);
  await waiting();
  assert.match(String(lines.at(-1)?.["reason"]), /nothing was heard for 6 s/);
});

test("pings of the server keep the link", async (t) => {
  const { server, link, proven, clock } = await setUp(t);
  link.start();
  await proven();
  for (let second = 0; second < 20; second += 1) {
    const [session] = server.sessions;
    await new Promise<void>((resolve) => session?.ping(() => resolve()));
    await clock.advance(1_000);
  }
  assert.equal(link.state.kind, "connected");
});

test("a server that does not ping is pinged every 30 s, kept while it answers, and given up when it does not", async (t) => {
  const { server, link, relay, proven, clock, waiting } = await setUp(t, false);
  link.start();
  await proven();
  const [session] = server.sessions;
  for (let round = 1; round <= 3; round += 1) {
    const pinged = new Promise<void>((resolve) => session?.once("ping", () => resolve()));
    await clock.advance(pingIntervalMs);
    await pinged;
    // What the server sends after its answer arrives after it.
    const arrived = new Promise<void>((resolve) => {
      const end = relay.onChange(() => {
        end();
        resolve();
      });
    });
    server.control.set(cluster, [textResource("c", `${round}`)]);
    await arrived;
    assert.equal(link.state.kind, "connected");
  }
  await clock.advance(pingIntervalMs + pingTimeoutMs);
  await waiting();
});

test("a new certificate is proven by a new connection at once, and nothing is sent again", async (t) => {
  const { server, link, proven, relay } = await setUp(t);
  server.control.set(cluster, [textResource("c", "1")]);
  link.start();
  await proven();
  const next = server.nextStream();
  link.redial();
  await next;
  await proven();
  assert.equal(server.peers.length, 2);
  assert.deepEqual(relay.cacheOf(cluster).versions(), { c: "1" });
});

test("a stopped link leaves no timer and no connection", async (t) => {
  const { server, link, proven, clock } = await setUp(t);
  link.start();
  await proven();
  await link.stop();
  assert.equal(clock.pending, 0);
  while (server.sessions.size > 0) await new Promise((resolve) => setImmediate(resolve));
  link.start();
  assert.equal(link.state.kind, "stopped");
});
