import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, constants, connect as http2Connect } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from "node:tls";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { MachineService } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { newRequest } from "../../ca/authority.fake.ts";
import { controlPlaneNames } from "../../ca/server-names.ts";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { systemClock } from "../../kernel/clock.ts";
import { LateenError } from "../../kernel/error.ts";
import { Metrics } from "../../kernel/metric.ts";
import { Secret } from "../../kernel/secret.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { AdsClient, type GrpcEnd } from "../ads/ads-client.fake.ts";
import { type AdsRig, startAdsRig } from "../ads/ads-rig.fake.ts";
import { type CaServer, type ClientIdentity, caServer, workloadGroup } from "../ca/ca-server.fake.ts";
import { answerGate, answerPath } from "../query/answer-gate.ts";
import { SecureListener, type SecureListenerOptions } from "./secure-listener.ts";

const { cluster } = typeUrls;
const reviews = "spiffe://cluster.local/ns/shop/sa/reviews" as SpiffeId;

interface Bed {
  rig: AdsRig;
  ca: CaServer;
  listener: SecureListener;
  url: string;
  port: number;
  tls(identity?: ClientIdentity): { ca: string; cert?: string; key?: string };
  client(identity?: ClientIdentity): AdsClient;
  /** The port in TCP alone. */
  dial(): Promise<Socket>;
}

async function startBed(t: TestContext, options: Partial<SecureListenerOptions> = {}): Promise<Bed> {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  const ca = await caServer();
  t.after(() => ca.close());
  const own = await ca.authority.signServer(controlPlaneNames("istio-system", []));
  const listener = await SecureListener.listen({
    host: "127.0.0.1",
    port: 0,
    identity: own,
    roots: ca.authority.roots(),
    ads: rig.ads,
    routes: ca.routes,
    clock: systemClock,
    metrics: new Metrics(),
    log: { debug() {}, info() {}, warn() {}, error() {}, with: () => ({}) as never },
    ...options,
  });
  const { port } = listener;
  const url = `https://localhost:${port}`;
  const tls = (identity?: ClientIdentity) => ({ ca: ca.authority.roots(), ...identity });
  const clients: AdsClient[] = [];
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const client of clients) await client.close();
    for (const socket of sockets) socket.destroy();
    await listener.stop();
  });
  return {
    rig,
    ca,
    listener,
    url,
    port,
    tls,
    client(identity) {
      const client = new AdsClient({ url, tls: tls(identity) });
      clients.push(client);
      return client;
    },
    async dial() {
      const socket = createConnection(port, "127.0.0.1");
      socket.on("error", () => {});
      sockets.push(socket);
      await once(socket, "connect");
      return socket;
    },
  };
}

/** A TLS connection without HTTP/2; resolves once it is made or refused. */
function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket | Error> {
  return new Promise((resolve) => {
    const socket = tlsConnect({ host: "127.0.0.1", port, servername: "localhost", ...options });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", (error) => resolve(error));
  });
}

test("a machine with a certificate of the mesh gets its configuration over TLS 1.3", async (t) => {
  const { ca, client, rig } = await startBed(t);
  rig.tables.set(cluster, "a");
  const c = client(await ca.identity(reviews));
  c.subscribe(cluster);
  assert.deepEqual((await c.nextAcked()).names, ["a"]);
  assert.deepEqual(rig.tables.opened[0]?.identities, [reviews]);
  assert.equal((c.session.socket as TLSSocket).getProtocol(), "TLSv1.3");
});

test("without a certificate there is no configuration, and joining with a token works", async (t) => {
  const { ca, client, rig, url, tls } = await startBed(t);
  const c = client();
  c.subscribe(cluster);
  assert.equal((await c.ended).code, 16);
  assert.equal(rig.tables.opened.length, 0);
  const machines = createClient(MachineService, createGrpcTransport({ baseUrl: url, nodeOptions: tls() }));
  const answer = machines.answer({ queryId: "x" });
  await assert.rejects(answer, (error) => ConnectError.from(error).code === 16);
  const headers = { authorization: `Bearer ${await ca.token()}` };
  await assert.rejects(
    machines.join({ csr: "" }, { headers }),
    (error) => ConnectError.from(error).code !== 16,
    "the token is accepted; the request is not",
  );
});

test("without a certificate a call that needs one is refused at its headers: no byte of its body is waited for", async (t) => {
  const { client, rig, url, tls } = await startBed(t);
  const ads = client(); // sends headers, and nothing else
  const end = await ads.ended;
  assert.equal(end.code, 16);
  assert.match(end.message, /^LAT2102 /);
  assert.equal(rig.ads.size, 0);
  for (const method of ["Renew", "Answer"]) {
    const call = new AdsClient({ url, tls: tls(), path: `/lateen.agent.v1.MachineService/${method}` });
    t.after(() => call.close());
    call.stream.write(Buffer.from([0, 0, 0x40, 0, 0])); // the begin of 4 MiB
    assert.equal((await call.ended).code, 16, method);
  }
});

test("an answer is taken from who was asked, refused at its headers from others, and so many at one time", async (t) => {
  let questions = 0;
  const guards = new Map([[answerPath, answerGate((identity) => (identity === reviews ? questions : 0))]]);
  const { ca, tls, url } = await startBed(t, { guards });
  const identity = await ca.identity(reviews);
  const begin = (by: ClientIdentity, path = answerPath): AdsClient => {
    const call = new AdsClient({ url, tls: tls(by), path });
    t.after(() => call.close());
    call.stream.write(Buffer.from([0, 3, 0xff, 0xff, 0xff])); // the begin of 64 MiB
    return call;
  };
  assert.match((await begin(identity).ended).message, /^LAT2114 /);
  assert.match((await begin(identity, `${answerPath}?x`).ended).message, /^LAT2106 /, "no other spelling of the path");
  questions = 1;
  const low = await ca.identity("spiffe://cluster.local/ns/shop/sa/low" as SpiffeId);
  assert.match((await begin(low).ended).message, /^LAT2114 /);
  const nodeOptions = tls(identity);
  const machines = createClient(MachineService, createGrpcTransport({ baseUrl: url, nodeOptions }));
  await machines.answer({ queryId: "x", body: new Uint8Array(5 << 20) });
  const refused: string[] = [];
  await new Promise<void>((resolve) => {
    for (let count = 0; count < 5; count++) {
      begin(identity).ended.then(({ message }) => {
        refused.push(message);
        if (refused.length === 3) resolve();
      }, assert.fail);
    }
  });
  assert.ok(refused.every((message) => message.startsWith("LAT2114 ")));
  assert.equal(ca.answers.length, 1);
});

test("a certificate of another authority is refused before anything is served", async (t) => {
  const metrics = new Metrics();
  const { client, rig } = await startBed(t, { metrics });
  const stranger = await caServer();
  t.after(() => stranger.close());
  const c = client(await stranger.identity(reviews));
  c.subscribe(cluster);
  assert.equal((await c.ended).code, -1);
  assert.equal(rig.tables.opened.length, 0);
  assert.match(await metrics.text(), /lateen_connections_refused_total\{reason="certificate"\} 1/);
});

test("the control plane's own certificate is no machine's", async (t) => {
  const { ca, client, rig } = await startBed(t);
  const own = await ca.authority.signServer(controlPlaneNames("istio-system", []));
  const c = client({ cert: own.chain.join(""), key: own.key.reveal() });
  c.subscribe(cluster);
  assert.equal((await c.ended).code, -1);
  assert.equal(rig.tables.opened.length, 0);
});

test("no session can be resumed, also after the certificate was replaced", async (t) => {
  const { ca, listener, port, tls } = await startBed(t);
  const identity = await ca.identity(reviews);
  for (const replaced of [false, true]) {
    if (replaced) listener.replaceIdentity(await ca.authority.signServer(controlPlaneNames("istio-system", [])));
    const sessions: Buffer[] = [];
    const first = await handshake(port, { ...tls(identity), ALPNProtocols: ["h2"] });
    assert.ok(!(first instanceof Error));
    first.on("session", (session) => sessions.push(session));
    await once(first, "data"); // SETTINGS of HTTP/2: whatever tickets there are came before
    first.destroy();
    for (const session of [...sessions, first.getSession()]) {
      if (session === undefined) continue;
      const second = await handshake(port, { ...tls(identity), ALPNProtocols: ["h2"], session });
      assert.ok(!(second instanceof Error));
      assert.equal(second.isSessionReused(), false);
      second.destroy();
    }
  }
});

test("a new certificate is shown to new connections, and old ones go on", async (t) => {
  const { ca, client, listener, port, rig, tls } = await startBed(t);
  const identity = await ca.identity(reviews);
  const old = client(identity);
  old.subscribe(cluster);
  await old.nextAcked();
  const before = await handshake(port, { ...tls(identity), ALPNProtocols: ["h2"] });
  assert.ok(!(before instanceof Error));
  listener.replaceIdentity(await ca.authority.signServer(controlPlaneNames("istio-system", [])));
  const after = await handshake(port, { ...tls(identity), ALPNProtocols: ["h2"] });
  assert.ok(!(after instanceof Error));
  assert.notEqual(after.getPeerX509Certificate()?.serialNumber, before.getPeerX509Certificate()?.serialNumber);
  before.destroy();
  after.destroy();
  rig.tables.set(cluster, "new");
  assert.deepEqual((await old.nextAcked()).names, ["new"]);
});

test("a certificate that does not fit its key is refused with a code, and the present one stays", async (t) => {
  const { ca, listener, client } = await startBed(t);
  const names = controlPlaneNames("istio-system", []);
  const [one, two] = [await ca.authority.signServer(names), await ca.authority.signServer(names)];
  const refused = (error: unknown): boolean => error instanceof LateenError && error.code === "LAT2108";
  assert.throws(() => listener.replaceIdentity({ chain: one.chain, key: two.key }), refused);
  assert.throws(() => listener.replaceIdentity({ chain: ["nonsense"], key: new Secret("nonsense") }), refused);
  const c = client(await ca.identity(reviews));
  c.subscribe(cluster);
  await c.nextAcked();
});

test("a taken port is one clear sentence", async (t) => {
  const bed = await startBed(t);
  await assert.rejects(startBed(t, { port: bed.port }), (error) => {
    return error instanceof LateenError && error.code === "LAT2109" && error.message.includes(String(bed.port));
  });
});

test("paths that are almost right reach no service", async (t) => {
  const { ca, url, tls } = await startBed(t);
  const session = http2Connect(url, tls(await ca.identity(reviews)));
  t.after(() => session.destroy());
  const ask = (path: string, method: string, type?: string): Promise<GrpcEnd> =>
    new Promise((resolve) => {
      const headers = { ":path": path, ":method": method, ...(type === undefined ? {} : { "content-type": type }) };
      const stream = session.request(headers);
      stream.on("error", () => {});
      let end: GrpcEnd = { httpStatus: 0, code: -1, message: "" };
      stream.on("response", (response) => {
        end = {
          httpStatus: Number(response[":status"]),
          code: Number(response["grpc-status"] ?? -1),
          message: String(response["grpc-message"] ?? ""),
        };
      });
      stream.on("close", () => resolve(end));
      stream.end();
      stream.resume();
    });
  const right = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
  const wrong = [right.slice(1), `/${right}`, right.toUpperCase(), right.replace(".", "%2e"), `${right}/`, "/", "*"];
  for (const path of wrong) {
    const { httpStatus, code } = await ask(path, "POST", "application/grpc");
    assert.ok(code === 12 || (httpStatus === 0 && code === -1), `${path}: ${httpStatus} ${code}`);
  }
  assert.equal((await ask(right, "GET")).httpStatus, 404);
  assert.equal((await ask(right, "POST", "application/json")).httpStatus, 404);
});

test("clients that say nothing, or stop in mid-handshake, do not keep a machine out", async (t) => {
  const { ca, client, dial } = await startBed(t, { admission: { inProgress: 2, stalledMs: 20 } });
  const half = Buffer.from("16030100c8010000c40303", "hex"); // the begin of a ClientHello
  for (let count = 0; count < 20; count++) await dial();
  for (let count = 0; count < 10; count++) (await dial()).write(half);
  const c = client(await ca.identity(reviews));
  c.subscribe(cluster);
  assert.deepEqual((await c.nextAcked()).names, []);
});

/** A session that asks for nothing and is kept alive with pings. */
async function dripping(bed: Bed, t: TestContext, identity?: ClientIdentity): Promise<ClientHttp2Session> {
  const session = http2Connect(bed.url, bed.tls(identity));
  session.on("error", () => {});
  t.after(() => session.destroy());
  await once(session, "remoteSettings");
  const drip = setInterval(() => !session.destroyed && session.ping(() => {}), 5);
  session.on("close", () => clearInterval(drip));
  return session;
}

test("clients without a certificate that go on for ever keep nobody out", async (t) => {
  const bed = await startBed(t, { admission: { inProgress: 2, stalledMs: 60_000, placeMs: 60_000 } });
  for (let count = 0; count < 6; count++) await dripping(bed, t);
  const c = bed.client(await bed.ca.identity(reviews));
  c.subscribe(cluster);
  assert.deepEqual((await c.nextAcked()).names, []);
});

test("a session without a certificate and without a call is closed, and counted", async (t) => {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const bed = await startBed(t, { clock, metrics });
  const session = await dripping(bed, t);
  const gone = once(session, "close");
  await clock.advance(10_000);
  await gone;
  assert.match(await metrics.text(), /lateen_connections_refused_total\{reason="anonymous"\} 1/);
});

test("of too many sessions of one network the oldest goes, and a machine's stays", async (t) => {
  const bed = await startBed(t, { anonymous: { perNetwork: 2 } });
  const c = bed.client(await bed.ca.identity(reviews));
  c.subscribe(cluster);
  await c.nextAcked();
  const first = await dripping(bed, t);
  const gone = once(first, "close");
  const second = await dripping(bed, t);
  await dripping(bed, t);
  await gone;
  assert.equal(second.destroyed, false);
  c.subscribe(typeUrls.listener);
  await c.nextAcked();
});

test("a machine's session that asks for nothing is closed after half a minute, and counted; one with a stream stays", async (t) => {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const bed = await startBed(t, { clock, metrics });
  const identity = await bed.ca.identity(reviews);
  const c = bed.client(identity);
  c.subscribe(cluster);
  await c.nextAcked();
  const gone = once(await dripping(bed, t, identity), "close");
  await clock.advance(29_999);
  assert.doesNotMatch(await metrics.text(), /reason="session"/);
  await clock.advance(1);
  await gone;
  c.subscribe(typeUrls.listener);
  await c.nextAcked();
  assert.match(await metrics.text(), /lateen_connections_refused_total\{reason="session"\} 1/);
});

test("of too many sessions of one certificate the oldest that asks for nothing goes", async (t) => {
  const bed = await startBed(t, { certified: { perCertificate: 2 } });
  const identity = await bed.ca.identity(reviews);
  const c = bed.client(identity);
  c.subscribe(cluster);
  await c.nextAcked();
  const first = await dripping(bed, t, identity);
  const gone = once(first, "close");
  const other = await dripping(bed, t, await bed.ca.identity(reviews));
  const second = await dripping(bed, t, identity);
  await gone;
  assert.deepEqual([other.destroyed, second.destroyed], [false, false]);
  c.subscribe(typeUrls.listener);
  await c.nextAcked();
});

test("of too many sessions of one account the newest goes", async (t) => {
  const bed = await startBed(t, { certified: { perIdentity: 1 } });
  const first = await dripping(bed, t, await bed.ca.identity(reviews));
  const second = http2Connect(bed.url, bed.tls(await bed.ca.identity(reviews)));
  second.on("error", () => {});
  await once(second, "close");
  assert.equal(first.destroyed, false);
});

/** A call of Join that has sent its headers, and resolves with the code of its reset. */
function beginJoin(bed: Bed, t: TestContext, headers: Record<string, string> = {}) {
  const session = http2Connect(bed.url, bed.tls());
  session.on("error", () => {});
  t.after(() => session.destroy());
  const path = "/lateen.agent.v1.MachineService/Join";
  const stream = session.request({
    ":path": path,
    ":method": "POST",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => {});
  stream.resume();
  return {
    session,
    stream,
    reset: new Promise<number>((resolve) => stream.on("close", () => resolve(stream.rstCode))),
  };
}

test("a call that has to go for others is refused as not tried", async (t) => {
  const bed = await startBed(t, { anonymous: { perNetwork: 1, undisturbedMs: 0 } });
  const first = beginJoin(bed, t);
  await once(first.session, "remoteSettings");
  await dripping(bed, t);
  assert.equal(await first.reset, constants.NGHTTP2_REFUSED_STREAM);
});

test("many machines join at once with one token from one address: each use of it is a certificate", async (t) => {
  const bed = await startBed(t, { anonymous: { perNetwork: 2 } });
  bed.ca.groups.set("shop/reviews", workloadGroup("shop", "reviews", { template: { serviceAccount: "reviews" } }));
  const machines = 64;
  const headers = { authorization: `Bearer ${await bed.ca.token("shop/reviews", machines)}` };
  const csr = await newRequest();
  let refused = 0;
  const join = async (): Promise<void> => {
    for (;;) {
      const session = new Http2SessionManager(bed.url, {}, bed.tls());
      const transport = createGrpcTransport({ baseUrl: bed.url, sessionManager: session });
      try {
        await createClient(MachineService, transport).join({ csr, addresses: ["10.0.0.1"] }, { headers });
        return;
      } catch (error) {
        assert.match(String(error), /REFUSED_STREAM/);
        refused += 1;
      } finally {
        session.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: machines }, join));
  assert.ok(refused > 0);
  assert.equal(bed.ca.lines.filter(({ msg }) => msg === "a machine joined").length, machines);
});

test("a session without a certificate makes so many calls and no more", async (t) => {
  const bed = await startBed(t, { anonymous: { openCalls: 2, calls: 4 } });
  const session = http2Connect(bed.url, bed.tls());
  session.on("error", () => {});
  t.after(() => session.destroy());
  const gone = once(session, "close");
  const call = (): Promise<number> => {
    const path = "/lateen.agent.v1.MachineService/Join";
    const stream = session.request({ ":path": path, ":method": "POST", "content-type": "application/grpc" });
    stream.on("error", () => {});
    return new Promise((resolve) => stream.on("close", () => resolve(stream.rstCode)));
  };
  const open = [call(), call()];
  assert.equal(await call(), constants.NGHTTP2_REFUSED_STREAM, "two are open");
  assert.equal(await call(), constants.NGHTTP2_REFUSED_STREAM);
  open.push(call());
  await gone;
  await Promise.all(open);
});

test("a handshake that stops is cut", async (t) => {
  const { dial } = await startBed(t, { handshakeMs: 30 });
  const socket = await dial();
  socket.write(Buffer.from("16030100c8010000c40303", "hex"));
  socket.resume();
  await once(socket, "close");
});

test("hostile names and protocols in the handshake harm nobody", async (t) => {
  const { ca, client, port, tls } = await startBed(t);
  const options: ConnectionOptions[] = [
    { servername: "x".repeat(255) },
    { servername: "*.example.com" },
    { servername: "xn--n3h.example" },
    { ALPNProtocols: ["http/1.1"] },
    { ALPNProtocols: ["no-such"] },
    { maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] },
  ];
  for (const option of options) {
    const socket = await handshake(port, { ...tls(), checkServerIdentity: () => undefined, ...option });
    if (!(socket instanceof Error)) socket.destroy();
  }
  const garbage = createConnection(port, "127.0.0.1");
  garbage.on("error", () => {});
  garbage.end("GET / HTTP/1.1\r\n\r\n");
  garbage.resume();
  await once(garbage, "close");
  const c = client(await ca.identity(reviews));
  c.subscribe(cluster);
  await c.nextAcked();
});
