import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { concatBytes } from "../../kernel/bytes.ts";
import { encodeFrame, FrameDecoder } from "../../xds/grpc-frame.ts";
import { RequestMemory } from "./request-memory.ts";

suite("RequestMemory", () => {
  test("what was given back is used again, whatever came of it", () => {
    const memory = new RequestMemory();
    const first = memory.take(16_384, 200_000);
    memory.give(first.subarray(0, 100));
    assert.equal(memory.counts.held, first.length);
    assert.equal(memory.take(16_384, 150_000).buffer, first.buffer);
    assert.equal(memory.counts.held, 0);
  });

  test("what was given back twice, or never taken, is not kept", () => {
    const memory = new RequestMemory();
    const taken = memory.take(16_384, 200_000);
    for (const bytes of [taken, taken, new Uint8Array(1 << 16), memory.take(10, 10), memory.take(1 << 20, 4 << 20)]) {
      memory.give(bytes);
    }
    assert.equal(memory.counts.held, taken.length);
  });

  test("no more is kept than its limit", () => {
    const memory = new RequestMemory();
    const taken = Array.from({ length: 20 }, () => memory.take(1 << 20, 1 << 20));
    for (const bytes of taken) memory.give(bytes);
    assert.deepEqual(memory.counts, { held: 8 << 20, limit: 8 << 20 });
  });

  test("messages of any length come whole, in memory that follows what has come of them", () => {
    const memory = new RequestMemory();
    const decoder = new FrameDecoder(4 << 20, memory);
    for (const length of [0, 1, 100, 16_384, 16_385, 65_536, 65_537, 300_000, 1 << 20, 3 << 20, 70_000]) {
      const message = new Uint8Array(length).map((_, at) => (at * 31 + length) & 255);
      const frame = concatBytes([encodeFrame(message)]);
      let whole: Uint8Array[] = [];
      for (let at = 0; at < frame.length; at += 16_384) {
        assert.ok(
          decoder.heldBytes <= Math.max(4 << 10, 4 * at),
          `${decoder.heldBytes} bytes after ${at} of ${length}`,
        );
        whole = decoder.push(frame.subarray(at, at + 16_384));
      }
      assert.equal(whole.length, 1);
      assert.ok(Buffer.from(whole[0] as Uint8Array).equals(message), `${length}`);
      memory.give(whole[0] as Uint8Array);
    }
  });
});
