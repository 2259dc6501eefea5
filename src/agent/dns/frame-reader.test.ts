import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader, frame } from "./frame-reader.ts";

test("messages come out as they went in, however the stream was cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (messages, cuts) => {
        const stream = Buffer.concat(messages.map(frame));
        const reader = new FrameReader();
        const out: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          out.push(...reader.push(stream.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(
          out.map((message) => [...message]),
          messages.map((message) => [...message]),
        );
      },
    ),
  );
});

test("the largest message fits", () => {
  const message = new Uint8Array(65_535).fill(7);
  assert.equal(new FrameReader().push(frame(message))[0]?.length, 65_535);
});
