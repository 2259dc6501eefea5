import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { typeUrls } from "../../xds/type-url.ts";
import { AdsClient } from "../ads/ads-client.fake.ts";
import { startAdsRig } from "../ads/ads-rig.fake.ts";
import { frame, frameTypes, preface } from "./http2-frames.fake.ts";
import { PlaintextListener } from "./plaintext-listener.ts";

/** POST http://a/ */
const headers = Buffer.from([0x83, 0x84, 0x86, 0x41, 1, 0x61]);
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

async function startPlaintext(t: TestContext) {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  const listener = await PlaintextListener.listen({ host: "127.0.0.1", port: 0, ads: rig.ads, clock: rig.clock });
  t.after(() => listener.stop());
  const clients: AdsClient[] = [];
  t.after(() => Promise.all(clients.map((client) => client.close())));
  return {
    rig,
    listener,
    client(options: { path?: string; headers?: Record<string, string> } = {}): AdsClient {
      const client = new AdsClient({ url: `http://127.0.0.1:${listener.port}`, ...options });
      clients.push(client);
      return client;
    },
    async dial(): Promise<Socket> {
      const socket = createConnection(listener.port, "127.0.0.1");
      socket.on("error", () => {});
      t.after(() => socket.destroy());
      await once(socket, "connect");
      socket.write(preface());
      return socket;
    },
  };
}

test("the plaintext port serves ADS and nothing else", async (t) => {
  const { client, rig } = await startPlaintext(t);
  rig.tables.set(typeUrls.cluster, "a");
  const c = client();
  c.subscribe(typeUrls.cluster);
  assert.deepEqual((await c.nextAcked()).names, ["a"]);
  const other = client({ path: "/lateen.agent.v1.MachineService/Join" });
  assert.equal((await other.ended).code, 12);
  const page = client({ headers: { "content-type": "text/html" } });
  assert.equal((await page.ended).httpStatus, 404);
});

/** Frames that a client may not send without end; each must cost it the connection. */
const floods: Record<string, () => Buffer[]> = {
  "streams opened and reset at once": () =>
    Array.from({ length: 2_000 }, (_, index) =>
      Buffer.concat([
        frame(frameTypes.headers, 4, 2 * index + 1, headers),
        frame(frameTypes.reset, 0, 2 * index + 1, number(8)),
      ]),
    ),
  "streams without end": () =>
    Array.from({ length: 5_000 }, (_, index) => frame(frameTypes.headers, 4, 2 * index + 1, headers)),
  "header blocks without end": () => [
    frame(frameTypes.headers, 0, 1, headers),
    ...Array.from({ length: 1_000 }, () => frame(frameTypes.continuation, 0, 1, Buffer.from([0x40, 1, 0x61, 1, 0x61]))),
  ],
  "a header list that grows out of a few bytes": () => {
    const big = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 0x61)]);
    const many = Buffer.alloc(8_000, 0xbe); // the entry just added, again and again
    return [
      frame(frameTypes.headers, 4, 1, Buffer.concat([headers, big])),
      ...Array.from({ length: 200 }, (_, index) =>
        frame(frameTypes.headers, 4, 2 * index + 3, Buffer.concat([headers, many])),
      ),
    ];
  },
  "a window that overflows": () => [frame(frameTypes.windowUpdate, 0, 0, number(0x7fffffff))],
  "a frame size of nothing": () => [frame(frameTypes.settings, 0, 0, Buffer.from([0, 5, 0, 0, 0, 0]))],
  "malformed header compression": () => [frame(frameTypes.headers, 4, 1, Buffer.alloc(100, 0xff))],
};

for (const [what, frames] of Object.entries(floods)) {
  test(`${what}: the connection ends, and others do not notice`, async (t) => {
    const { client, dial, rig } = await startPlaintext(t);
    const socket = await dial();
    socket.resume();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    for (const bytes of frames()) socket.write(bytes);
    await closed;
    const c = client();
    c.subscribe(typeUrls.cluster);
    await c.nextAcked();
    assert.equal(rig.ads.size, 1);
  });
}

for (const [what, bytes] of [
  ["SETTINGS", frame(frameTypes.settings, 0, 0)],
  ["PING", frame(frameTypes.ping, 0, 0, Buffer.alloc(8))],
] as const) {
  test(`${what} frames whose answers nobody reads do not pile up`, async (t) => {
    const { client, dial } = await startPlaintext(t);
    const socket = await dial();
    socket.pause();
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => bytes));
    let open = true;
    const closed = new Promise<void>((resolve) => {
      socket.on("close", () => {
        open = false;
        resolve();
      });
    });
    for (let count = 0; open && count < 400; count++) {
      if (socket.write(many)) continue;
      await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
    }
    const c = client();
    c.subscribe(typeUrls.cluster);
    await c.nextAcked();
    assert.equal(open, false, "the connection is still open");
  });
}
