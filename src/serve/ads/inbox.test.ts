import assert from "node:assert/strict";
import { once } from "node:events";
import { suite, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { systemClock } from "../../kernel/clock.ts";
import { Inbox } from "./inbox.ts";
import { adsLimits } from "./limits.ts";
import { RequestBudget } from "./request-budget.ts";
import { RequestQueue } from "./request-queue.ts";

function rig(limits: { requestBurst?: number } = {}, queue = new RequestQueue(systemClock)) {
  const clock = new FakeClock();
  const taken: string[] = [];
  const flow: string[] = [];
  const failures: unknown[] = [];
  const actions = { take: (text: string, _bytes: Uint8Array): void => void taken.push(text) };
  const done: string[] = [];
  const inbox = new Inbox({
    queue,
    clock,
    budget: new RequestBudget({ ...adsLimits, ...limits }, clock),
    stream: { pause: () => flow.push("pause"), resume: () => flow.push("resume") },
    take: (bytes) => actions.take(Buffer.from(bytes).toString(), bytes),
    done: (bytes) => done.push(Buffer.from(bytes).toString()),
    failed: (error) => failures.push(error),
    onThrottled: () => flow.push("throttled"),
    onEnd: () => taken.push("end"),
  });
  const receive = (...texts: string[]): void => {
    for (const text of texts) inbox.receive(Buffer.from(text));
  };
  return { clock, taken, done, flow, failures, actions, inbox, receive, queue };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at));

suite("Inbox", () => {
  test("hands requests on in order, not while they are read", async () => {
    const { taken, receive, queue } = rig();
    receive("a", "b");
    assert.deepEqual(taken, []);
    assert.equal(queue.counts.held, 2);
    await turn();
    assert.deepEqual(taken, ["a", "b"]);
    assert.equal(queue.counts.held, 0);
  });

  test("keeps a bounded number: it leaves the client unread, and takes at once what came in one piece with them", async () => {
    const { taken, flow, receive } = rig();
    receive(...numbers(16));
    assert.deepEqual([taken.length, flow], [0, ["pause"]]);
    receive("16");
    assert.deepEqual(taken, numbers(17));
    assert.deepEqual(flow, ["pause", "resume"]);
    await turn();
    assert.equal(taken.length, 17);
  });

  test("takes requests as they come where all streams hold too much", () => {
    const queue = new RequestQueue(systemClock);
    queue.note(queue.counts.limit);
    const { taken, receive } = rig({}, queue);
    receive("a");
    assert.deepEqual(taken, ["a"]);
  });

  test("what is held is handed on first when it is released, and nothing before", async () => {
    const { taken, done, flow, actions, inbox, receive } = rig();
    actions.take = (_text, bytes) => {
      inbox.hold(bytes);
      actions.take = (again) => void taken.push(again);
    };
    receive("first", "second");
    await turn();
    receive("third");
    await turn();
    assert.deepEqual([taken, done, flow], [[], [], ["pause"]]);
    inbox.release();
    assert.deepEqual(flow, ["pause", "resume"]);
    await turn();
    assert.deepEqual(taken, ["first", "second", "third"]);
    assert.deepEqual(done, taken);
  });

  test("nobody needs a request any more once it was taken, or where it never will be", async () => {
    const { done, actions, inbox, receive } = rig();
    actions.take = (text, bytes) => {
      if (text === "bad") throw new TypeError(text);
      if (text !== "held") return;
      inbox.hold(bytes);
      inbox.close();
    };
    receive("a", "bad", "held", "never");
    await turn();
    assert.deepEqual(done, ["a", "bad", "held", "never"]);
  });

  test("goes on where it is released while it hands on", async () => {
    const { taken, actions, inbox, receive } = rig();
    actions.take = (_text, bytes) => {
      actions.take = (again) => void taken.push(again);
      inbox.hold(bytes);
      inbox.release();
    };
    receive("first", "second");
    await turn();
    assert.deepEqual(taken, ["first", "second"]);
  });

  test("tells of the end after what came before it, and at once where that cannot be taken", async () => {
    const { taken, inbox, receive } = rig();
    receive("a");
    inbox.end();
    assert.deepEqual(taken, []);
    await turn();
    assert.deepEqual(taken, ["a", "end"]);
    const held = rig();
    held.inbox.hold(Buffer.from("b"));
    held.inbox.end();
    await turn();
    assert.deepEqual(held.taken, ["end"]);
    const closed = rig();
    closed.receive("c");
    closed.inbox.end();
    closed.inbox.close();
    await turn();
    assert.deepEqual(closed.taken, []);
  });

  test("leaves a client unread that asks more often than it may, until it has waited", async () => {
    const { clock, taken, flow, receive } = rig({ requestBurst: 1 });
    receive("a", "b");
    await turn();
    assert.deepEqual(
      [taken, flow],
      [
        ["a", "b"],
        ["throttled", "pause"],
      ],
    );
    await clock.advance(1_000);
    assert.deepEqual(flow, ["throttled", "pause", "resume"]);
  });

  test("tells of what throws, and goes on unless it is closed by it", async () => {
    const { taken, failures, actions, inbox, receive, queue } = rig();
    actions.take = (text) => {
      if (text === "bad") throw new TypeError(text);
      if (text === "last") inbox.close();
      taken.push(text);
    };
    receive("bad", "good", "last", "never");
    await turn();
    assert.deepEqual(taken, ["good", "last"]);
    assert.equal(failures.length, 1);
    assert.equal(queue.counts.held, 0);
    receive("after");
    assert.equal(queue.counts.held, 0);
  });

  test("streams take turns: one that always has another request does not keep the others waiting", async () => {
    const queue = new RequestQueue(systemClock);
    const order: string[] = [];
    const [greedy, other] = [rig({}, queue), rig({}, queue)];
    for (const { actions } of [greedy, other]) actions.take = (text) => void order.push(text);
    greedy.receive("a1", "a2", "a3");
    other.receive("b1", "b2");
    await turn();
    assert.deepEqual(order, ["a1", "b1", "a2", "b2", "a3"]);
  });

  test("a stream's requests do not hold up the event loop: other work comes in between", async () => {
    const { taken, actions, receive } = rig();
    const takenAtTurn: number[] = [];
    actions.take = (text) => {
      const end = performance.now() + 5;
      while (performance.now() < end);
      taken.push(text);
    };
    receive(...numbers(10));
    const over = new EventTarget();
    const look = (): void => {
      takenAtTurn.push(taken.length);
      if (taken.length < 10) setImmediate(look);
      else over.dispatchEvent(new Event("over"));
    };
    const done = once(over, "over");
    setImmediate(look);
    await done;
    assert.ok(takenAtTurn.length >= 5, String(takenAtTurn));
  });
});
