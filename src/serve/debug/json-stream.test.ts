import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../../kernel/clock.ts";
import { type JsonStream, streamList, streamMap, streamWithList } from "./json-stream.ts";

const whole = (stream: JsonStream): unknown => JSON.parse([...stream.pieces].join(""));

test("any data comes out as JSON of the same", () => {
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.array(fc.tuple(fc.string(), fc.jsonValue())), (rows, pairs) => {
      assert.deepEqual(whole(streamList(rows)), plain(rows));
      // Keys that JSON.parse and object literals treat alike.
      const entries = [...new Map(pairs.map(([key, value]) => [`k${key}`, value]))];
      assert.deepEqual(whole(streamMap(entries)), plain(Object.fromEntries(entries)));
      assert.deepEqual(whole(streamWithList({ total: 1 }, "rows", rows)), plain({ total: 1, rows }));
      assert.deepEqual(whole(streamWithList({}, "rows", rows)), plain({ rows }));
    }),
  );
});

test("a long page gives the event loop back while it is made", async () => {
  let turns = 0;
  let running = true;
  const turn = (): void => {
    turns += 1;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  let made = 0;
  const rows = function* (): Iterable<unknown> {
    for (; made < 300_000; made++) yield { made, text: "some text that makes it longer" };
  };
  let length = 0;
  for await (const chunk of streamList(rows()).toReadable(systemClock)) length += String(chunk).length;
  running = false;
  assert.ok(length > 10_000_000);
  assert.ok(turns > 3, `${turns}`);
});

test("what nobody reads is not made", async () => {
  let made = 0;
  const rows = function* (): Iterable<unknown> {
    for (; made < 1_000_000; made++) yield "x".repeat(1_000);
  };
  const readable = streamList(rows()).toReadable(systemClock);
  readable.once("data", () => readable.destroy());
  await new Promise((resolve) => readable.once("close", resolve));
  assert.ok(made < 10_000, `${made}`);
});
