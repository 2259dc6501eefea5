import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { parseSpiffeId } from "../../identity/spiffe-id.ts";
import { utf8 } from "../../kernel/bytes.ts";
import { encodeFrame } from "../../xds/grpc-frame.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { Peer } from "../peer.ts";
import type { AdsClient } from "./ads-client.fake.ts";
import { type AdsRig, startAdsRig } from "./ads-rig.fake.ts";
import { encodeFields } from "./proto-writer.ts";

const { cluster, endpoint, listener } = typeUrls;

async function rigFor(t: TestContext, options: Parameters<typeof startAdsRig>[0] = {}): Promise<AdsRig> {
  const rig = await startAdsRig(options);
  t.after(() => rig.stop());
  return rig;
}

/** google.protobuf.Struct nested so deep, each level as field `a` of the one above. */
function nestedStruct(depth: number): Uint8Array {
  let value: Uint8Array = new Uint8Array(0);
  for (let level = 0; level < depth; level++) {
    const struct = encodeFields([
      [
        1,
        encodeFields([
          [1, "a"],
          [2, encodeFields([[5, value]])],
        ]),
      ],
    ]);
    value = struct;
  }
  return value;
}

const delta = (node: Uint8Array): Uint8Array =>
  encodeFields([
    [1, node],
    [2, cluster],
  ]);

test("a first request without a usable node is refused with InvalidArgument", async (t) => {
  const { client, tables } = await rigFor(t);
  const id = "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local";
  const nodes: Record<string, Uint8Array> = {
    "no node": encodeFields([[2, cluster]]),
    "empty id": delta(new Uint8Array(0)),
    "id of three parts": delta(encodeFields([[1, "sidecar~10.0.0.1~vm-1"]])),
    "over the limit": delta(
      encodeFields([
        [1, id],
        [3, encodeFields([[1, utf8("x".repeat(4_000_000))]])],
      ]),
    ),
    "2,000 levels deep": delta(
      encodeFields([
        [1, id],
        [3, nestedStruct(2_000)],
      ]),
    ),
    "not protobuf": delta(utf8("\xff\xff\xff\xff")),
  };
  for (const [what, bytes] of Object.entries(nodes)) {
    const c = client();
    c.sendBytes(bytes);
    const { code, message } = await c.ended;
    assert.equal(code, 3, what);
    assert.match(message, /^LAT200[12] /, what);
  }
  assert.equal(tables.opened.length, 0);
});

test("a type URL must be one, and a stream may ask for 32 types", async (t) => {
  const { client, metrics } = await rigFor(t);
  for (const typeUrl of ["", "x".repeat(1_000_000), "a b", "type\0"]) {
    const c = client();
    c.subscribe(typeUrl, "a");
    assert.equal((await c.ended).code, 3);
  }
  const c = client();
  for (let index = 0; index < 31; index++) c.subscribe(`type.googleapis.com/no.Such${index}`, "a");
  c.subscribe(cluster);
  while ((await c.next()).typeUrl !== cluster) {}
  c.subscribe("type.googleapis.com/one.TooMany");
  assert.equal((await c.ended).code, 8);
  assert.match(await metrics.text(), /lateen_xds_limit_hits_total\{limit="types"\} 1/);
});

test("a stream may ask for so many names and no more", async (t) => {
  const { client, metrics } = await rigFor(t, { limits: { namesPerStream: 100 } });
  const names = (count: number, prefix = "n") => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const c = client();
  c.subscribe(listener, ...names(37));
  await c.nextAcked();
  c.subscribe(endpoint, ...names(60), "with/slash", "with\0nul", "with*star", "n1", "n1");
  assert.equal((await c.nextAcked()).removed.length, 63);
  c.subscribe(endpoint, "one");
  assert.equal((await c.ended).code, 8);
  assert.match(await metrics.text(), /lateen_xds_limit_hits_total\{limit="names"\} 1/);
  const atOnce = client();
  atOnce.subscribe(endpoint, ...names(101));
  const { code, message } = await atOnce.ended;
  assert.equal(code, 8);
  assert.match(message, /^LAT2101/);
});

test("a stream may ask for so many characters of names and no more", async (t) => {
  const { client } = await rigFor(t, { limits: { namesBytesPerStream: 100 } });
  const c = client();
  c.subscribe(endpoint, "a".repeat(50), "b".repeat(50));
  assert.equal((await c.nextAcked()).removed.length, 2);
  c.subscribe(endpoint, "a".repeat(50));
  await c.nextAcked();
  c.subscribe(endpoint, "c");
  const { code, message } = await c.ended;
  assert.equal(code, 8);
  assert.match(message, /at most 100 bytes of names/);
});

test("a frame that is too long or compressed ends the stream before anything is allocated", async (t) => {
  const { client } = await rigFor(t);
  const tooLong = client();
  tooLong.stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
  assert.equal((await tooLong.ended).code, 8);
  const compressed = client();
  compressed.stream.write(Buffer.from([1, 0, 0, 0, 1, 0]));
  assert.equal((await compressed.ended).code, 8);
});

test("a client that does not read is cut after a minute, and others do not notice", async (t) => {
  const { tables, client, clock, metrics, allGone } = await rigFor(t);
  tables.set(cluster, "a", "x".repeat(1_000_000));
  const slow = client({ windowBytes: 1_000 });
  slow.subscribe(cluster);
  await once(slow.stream, "data");
  slow.stream.pause();
  const other = client();
  other.subscribe(cluster);
  assert.equal((await other.nextAcked()).resources[0]?.body.length, 1_000_000);
  for (let count = 0; count < 100; count++) tables.set(cluster, "a", `${count}`);
  assert.ok((await other.nextAcked()).names.includes("a"));
  await clock.advance(62_000);
  assert.equal((await slow.ended).code, -1);
  assert.match(await metrics.text(), /pilot_xds_write_timeout 1/);
  other.subscribe(listener);
  await other.nextAcked();
  await other.close();
  await allGone();
  assert.equal(tables.observers, 0);
});

test("a stream without a first request is cut after ten seconds", async (t) => {
  const { client, clock, server } = await rigFor(t);
  const c = client();
  const opened = once(server, "stream");
  await opened;
  await clock.advance(10_000);
  assert.equal((await c.ended).code, 4);
});

test("streams over the limit are refused with ResourceExhausted", async (t) => {
  const { client } = await rigFor(t, { limits: { streams: 1 } });
  const first = client();
  first.subscribe(cluster);
  await first.nextAcked();
  const second = client();
  second.subscribe(cluster);
  assert.equal((await second.ended).code, 8);
  first.subscribe(listener);
  await first.nextAcked();
});

test("streams that say nothing take no place of those that do, and the oldest of too many is ended", async (t) => {
  const { ads, client, metrics, server } = await rigFor(t, { limits: { streams: 1, waitingStreams: 3 } });
  const silent: AdsClient[] = [];
  for (let count = 0; count < 4; count++) {
    const opened = once(server, "stream");
    silent.push(client());
    await opened;
  }
  assert.equal((await silent[0]?.ended)?.code, 8);
  const honest = client();
  honest.subscribe(cluster);
  await honest.nextAcked();
  assert.equal(ads.size, 3, "the honest one, and two of the four");
  assert.match(await metrics.text(), /lateen_xds_limit_hits_total\{limit="waiting"\} 2/);
});

test("no identity takes all places, and no certificate more than a machine needs", async (t) => {
  let serialNumber = "1";
  let identity = parseSpiffeId("spiffe://cluster.local/ns/shop/sa/low");
  const peer: Peer = {
    kind: "verified",
    get identities() {
      return [identity];
    },
    expiresAtMs: Number.MAX_SAFE_INTEGER,
    get serialNumber() {
      return serialNumber;
    },
  };
  const limits = { streams: 10, streamsPerIdentity: 3, streamsPerCertificate: 2 };
  const { client, metrics } = await rigFor(t, { limits, peer });
  const connect = async (): Promise<AdsClient> => {
    const c = client();
    c.subscribe(cluster);
    await c.nextAcked();
    return c;
  };
  const first = await connect();
  await connect();
  await connect();
  const { code, message } = await first.ended;
  assert.equal(code, 8);
  assert.match(message, /2 newer streams/);
  serialNumber = "2";
  await connect();
  await assert.rejects(connect(), /low has 3 streams/);
  identity = parseSpiffeId("spiffe://cluster.local/ns/shop/sa/reviews");
  serialNumber = "3";
  await connect();
  const text = await metrics.text();
  assert.match(text, /limit_hits_total\{limit="certificate"\} 1/);
  assert.match(text, /limit_hits_total\{limit="identity"\} 1/);
});

test("a client that sends requests without end is left unread, and goes on when its time has come", async (t) => {
  const { client, clock, metrics, tables } = await rigFor(t, { limits: { requestBurst: 10, requestsPerSecond: 10 } });
  tables.set(cluster, "a");
  const c = client();
  for (let count = 0; count < 30; count++) c.request({ typeUrl: cluster, resourceNamesSubscribe: ["a"] });
  await c.nextAcked();
  await clock.advance(5_000);
  c.subscribe(listener, "l");
  while ((await c.nextAcked()).typeUrl !== listener) await clock.advance(1_000);
  assert.match(await metrics.text(), /lateen_xds_limit_hits_total\{limit="requests"\} [1-9]/);
});

test("a response that would be too long is split, and all of it arrives", async (t) => {
  const { tables, client } = await rigFor(t, { limits: { responseBytes: 10_000 } });
  for (let index = 0; index < 50; index++) tables.set(cluster, `c${index}`, "x".repeat(900) + index);
  tables.set(cluster, "huge", "y".repeat(50_000));
  const c = client();
  c.subscribe(cluster);
  const names: string[] = [];
  let messages = 0;
  while (names.length < 51) {
    const message = await c.nextAcked();
    messages += 1;
    names.push(...message.names);
    const bytes = message.resources.reduce((sum, resource) => sum + resource.body.length, 0);
    assert.ok(bytes < 10_000 || message.names.length === 1);
  }
  assert.equal(new Set(names).size, 51);
  assert.ok(messages >= 6);
});

test("the second client that lacks the same gets the same bytes, also over many chunks", async (t) => {
  const { tables, client } = await rigFor(t);
  for (let index = 0; index < 300; index++) tables.set(cluster, `c${index}`, `${index} `.repeat(200));
  const bodies: string[] = [];
  for (let count = 0; count < 4; count++) {
    const c = client();
    c.subscribe(cluster);
    const message = await c.nextAcked();
    bodies.push(JSON.stringify(message.resources));
    await c.close();
  }
  assert.equal(new Set(bodies).size, 1);
});

test("a client that rejects everything at full speed gets each change once", async (t) => {
  const { tables, client } = await rigFor(t);
  tables.set(cluster, "a", "0");
  const c = client();
  c.subscribe(cluster);
  for (let count = 1; count <= 50; count++) {
    c.nack(await c.next(), "no");
    for (let extra = 0; extra < 10; extra++)
      c.request({ typeUrl: cluster, responseNonce: "old", errorDetail: { code: 3 } });
    tables.set(cluster, "a", `${count}`);
  }
  c.nack(await c.next(), "no");
  c.subscribe(listener);
  await c.nextAcked();
  assert.equal(c.received.messages, 52);
});

test("no bytes of a client bring the server down", async (t) => {
  const { client, tables, allGone, log } = await rigFor(t);
  tables.set(cluster, "a");
  const valid = encodeFrame(
    encodeFields([
      [1, encodeFields([[1, "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local"]])],
      [2, cluster],
      [3, "a"],
      [
        5,
        encodeFields([
          [1, "b"],
          [2, "1"],
        ]),
      ],
      [7, encodeFields([[2, "error"]])],
    ]),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const bytes = Buffer.from(valid);
        for (const [at, value] of changes) bytes[at] = value;
        const c = client();
        c.stream.write(bytes);
        c.halfClose();
        const { httpStatus } = await c.ended;
        assert.equal(httpStatus, 200);
        await c.close();
      },
    ),
    { numRuns: 200 },
  );
  await allGone();
  assert.equal(tables.observers, 0);
  assert.deepEqual(
    log.filter((line) => line.level === "error"),
    [],
  );
});
