// The TCP side, with clients that behave and clients that do not.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { decode, streamEncode } from "dns-packet";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { addressesIn, askTcp, decodeAnswer, queryBytes } from "./dig.fake.ts";
import { startServer } from "./dns-server.fake.ts";
import { frame } from "./frame-reader.ts";

describe("connections", () => {
  test("D4: one that delivers no whole message for 5 s is closed, bytes or not", async () => {
    const clock = new FakeClock();
    const { port, ask } = await startServer({ clock });
    const slow = connect(port, "127.0.0.1");
    slow.on("error", () => {}); // reset, because the server leaves bytes unread
    const message = frame(queryBytes("ratings", "A"));
    // An answer proves that the connection is being served.
    slow.write(message);
    await once(slow, "data");
    slow.write(message.subarray(0, 5));
    await clock.advance(4_999);
    slow.write(message.subarray(5, 6));
    await ask("ratings", "A", { transport: "tcp" }); // by now the byte has been read too
    const closed = once(slow, "close");
    await clock.advance(1);
    await closed;
  });

  test("D4: the 101st is closed at once, the others stay", async () => {
    const { port, ask } = await startServer();
    const sockets = Array.from({ length: 100 }, () => connect(port, "127.0.0.1"));
    const message = frame(queryBytes("ratings", "A"));
    for (const socket of sockets) {
      socket.write(message);
      await once(socket, "data");
    }
    const late = connect(port, "127.0.0.1");
    late.on("error", () => {});
    await once(late, "close");
    sockets[0]?.write(message);
    await once(sockets[0] ?? late, "data");
    const closed = once(sockets[1] ?? late, "close");
    sockets[1]?.destroy();
    await closed;
    for (const socket of sockets) socket.destroy();
    assert.deepEqual(addressesIn(await ask("ratings")), ["10.0.0.3"]);
  });

  test("many questions in one go are all answered, also by a client that has said goodbye", async () => {
    const { port } = await startServer();
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const ids = Array.from({ length: 40 }, (_, i) => i + 1);
    socket.end(Buffer.concat(ids.map((id) => streamEncode({ id, questions: [{ type: "A", name: "ratings" }] }))));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    let bytes = Buffer.concat(chunks);
    const seen: number[] = [];
    while (bytes.length > 0) {
      const length = bytes.readUInt16BE(0);
      seen.push(decode(bytes.subarray(2, 2 + length)).id ?? 0);
      bytes = bytes.subarray(2 + length);
    }
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      ids,
    );
  });

  test("D4: a message of 65,535 bytes is read and turned down", async () => {
    const { port } = await startServer();
    const huge = Buffer.alloc(65_535);
    queryBytes("ratings", "A").copy(huge);
    assert.equal(decodeAnswer(await askTcp({ port }, frame(huge))).rcode, "FORMERR");
  });

  test("bytes that deserve no answer close a stream", async () => {
    const { port } = await startServer();
    const socket = connect(port, "127.0.0.1");
    socket.write(frame(Uint8Array.of(1, 2, 3)));
    await once(socket, "close");
  });
});
