import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, utf8 } from "../kernel/bytes.ts";
import { LateenError } from "../kernel/error.ts";
import { encodeFrame, FrameDecoder } from "./grpc-frame.ts";

const isBadFrame = (error: unknown) => error instanceof LateenError && error.code === "LAT2003";

test("a frame is flag 0, the length in four bytes, and the message", () => {
  assert.deepEqual([...encodeFrame(utf8("abc"))], [0, 0, 0, 0, 3, 97, 98, 99]);
  assert.deepEqual([...encodeFrame(new Uint8Array(0))], [0, 0, 0, 0, 0]);
});

test("messages come back whole however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 17 })),
      (messages, cuts) => {
        const stream = concatBytes(messages.map(encodeFrame));
        const decoder = new FrameDecoder(40);
        const received: Uint8Array[] = [];
        for (let at = 0; at < stream.length; ) {
          const size = cuts.next().value ?? 1;
          received.push(...decoder.push(stream.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(received, messages);
        assert.equal(decoder.idle, true);
      },
    ),
  );
});

test("an empty message at the end of a chunk is not kept back", () => {
  const decoder = new FrameDecoder(10);
  assert.deepEqual(decoder.push(encodeFrame(new Uint8Array(0))), [new Uint8Array(0)]);
});

test("a message at the limit passes, one byte more does not, and nothing is allocated for it (X17)", () => {
  assert.equal(new FrameDecoder(8).push(encodeFrame(new Uint8Array(8))).length, 1);
  assert.throws(() => new FrameDecoder(8).push(encodeFrame(new Uint8Array(9))), isBadFrame);
  assert.throws(() => new FrameDecoder(2 ** 31).push(new Uint8Array([0, 0xff, 0xff, 0xff, 0xff])), isBadFrame);
});

test("a compressed message is refused at its first bytes (X17)", () => {
  assert.throws(() => new FrameDecoder(8).push(new Uint8Array([1, 0, 0, 0, 1])), isBadFrame);
});

test("a cut message is seen at the end", () => {
  const decoder = new FrameDecoder(8);
  assert.deepEqual(decoder.push(new Uint8Array([0, 0, 0])), []);
  assert.equal(decoder.idle, false);
});

test("memory follows what has come, not what a prefix claims", () => {
  const length = 4 << 20;
  const decoder = new FrameDecoder(length);
  decoder.push(new Uint8Array([0, 0, 0x40, 0, 0]));
  assert.ok(decoder.heldBytes <= 4 << 10, `${decoder.heldBytes} bytes for a prefix alone`);
  let whole: Uint8Array[] = [];
  for (let sent = 0; sent < length; sent += 16_384) {
    assert.ok(decoder.heldBytes <= Math.max(4 << 10, 4 * sent), `${decoder.heldBytes} bytes after ${sent}`);
    whole = decoder.push(new Uint8Array(16_384).fill(1));
  }
  assert.equal(decoder.heldBytes, 0);
  assert.equal(whole[0]?.length, length);
  assert.equal(whole[0]?.buffer.byteLength, length);
});
