import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { type Pushable, PushQueue } from "./push-queue.ts";

interface FakeStream extends Pushable {
  writing: boolean;
  stalledMs: number;
}

/** @param lasts true where a push leaves a message on its way */
function startQueue(lasts: boolean) {
  const clock = new FakeClock();
  const waits: number[] = [];
  const queue = new PushQueue(clock, (waitedMs) => waits.push(waitedMs));
  const pushed: number[] = [];
  const streams = Array.from({ length: 100 }, (_, index): FakeStream => {
    const stream: FakeStream = {
      writing: false,
      stalledMs: 0,
      push() {
        pushed.push(index);
        stream.writing = lasts;
      },
    };
    return stream;
  });
  const at = (index: number): FakeStream => streams[index] as FakeStream;
  const settle = async (): Promise<void> => {
    for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, queue, pushed, streams, at, waits, settle };
}

test("streams are pushed oldest first, each once however often it is added", async () => {
  const { queue, pushed, streams, settle, waits } = startQueue(false);
  for (const stream of [...streams, ...streams]) queue.add(stream);
  assert.equal(pushed.length, 0, "never in the turn of the change");
  await settle();
  assert.deepEqual(pushed, [...streams.keys()]);
  assert.equal(waits.length, 100);
});

test("who takes a message slowly, however steadily, does not keep others waiting for long", async () => {
  const { queue, pushed, streams, settle, clock } = startQueue(true);
  for (const stream of streams) queue.add(stream);
  await settle();
  assert.equal(pushed.length, 48);
  await clock.advance(200);
  await settle();
  assert.equal(pushed.length, 48);
  await clock.advance(50);
  await settle();
  assert.equal(pushed.length, 96);
  for (const stream of streams) queue.delete(stream);
  await clock.advance(100);
  assert.equal(clock.pending, 0);
});

test("only so many messages are on their way; the next goes when one was taken or its stream is gone", async () => {
  const { queue, pushed, streams, at, settle, clock } = startQueue(true);
  for (const stream of streams) queue.add(stream);
  await settle();
  assert.equal(pushed.length, 48);
  at(0).writing = false;
  queue.written(at(0));
  queue.delete(at(1));
  await settle();
  assert.equal(pushed.length, 50);
  assert.deepEqual(queue.counts, { waiting: 51, writing: 48 }, "the first one is in line again, last");
  for (const stream of streams) queue.delete(stream);
  await clock.advance(100);
  assert.deepEqual(queue.counts, { waiting: 0, writing: 0 });
  assert.equal(clock.pending, 0);
});

test("a client that does not read keeps its message and not its place", async () => {
  const { queue, pushed, streams, at, settle, clock } = startQueue(true);
  for (const stream of streams) queue.add(stream);
  await settle();
  for (let index = 0; index < 10; index++) at(index).stalledMs = 60;
  await clock.advance(50);
  await settle();
  assert.equal(pushed.length, 58);
});

test("a slice ends after ten milliseconds, and the rest follows in the next turns", async () => {
  const { queue, pushed, clock, settle } = startQueue(false);
  const slow: Pushable[] = Array.from({ length: 6 }, (_, index) => ({
    writing: false,
    stalledMs: 0,
    push() {
      pushed.push(index);
      void clock.advance(5);
    },
  }));
  for (const stream of slow) queue.add(stream);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(pushed.length < 6, "the loop is given back");
  await settle();
  assert.deepEqual(pushed, [0, 1, 2, 3, 4, 5]);
});
