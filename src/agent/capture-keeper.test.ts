import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type MachineConfig, MachineConfigSchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { FakeClock } from "../kernel/clock.fake.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import { CaptureKeeper, captureRetryMs } from "./capture-keeper.ts";

const configOf = (port: number) =>
  create(MachineConfigSchema, { workloads: [{ capture: { excludeInboundPorts: [port] } }] });

function setUp() {
  const clock = new FakeClock();
  const applied: MachineConfig[] = [];
  const state = { wanted: configOf(1), fails: false, stopped: 0 };
  let changed: () => void = () => {};
  const keeper = new CaptureKeeper({
    capture: {
      async apply(config) {
        if (state.fails) throw new TypeError("another table is in the way");
        applied.push(config);
      },
      async describe() {},
      async stop() {
        state.stopped += 1;
      },
    },
    wanted: () => state.wanted,
    changed: () => changed(),
    clock,
    log: fakeLog().log,
  });
  const attempted = () =>
    new Promise<void>((resolve) => {
      changed = resolve;
    });
  return { keeper, clock, applied, state, attempted };
}

test("what is wanted is captured once, and again only when it is something else", async () => {
  const { keeper, applied, state, attempted } = setUp();
  assert.equal(keeper.obstacle, "traffic is not captured yet");
  for (const wanted of [configOf(1), configOf(1), configOf(2)]) {
    state.wanted = wanted;
    const done = attempted();
    keeper.update();
    await done;
  }
  assert.deepEqual(applied, [configOf(1), configOf(2)]);
  assert.equal(keeper.obstacle, undefined);
});

test("a change while capture is applied is not lost", async () => {
  const { keeper, applied, state, attempted } = setUp();
  const done = attempted();
  keeper.update();
  state.wanted = configOf(2);
  keeper.update();
  await done;
  assert.deepEqual(applied.at(-1), configOf(2));
});

test("a failure is told and tried again; what was captured before stays", async () => {
  const { keeper, clock, state, attempted } = setUp();
  state.fails = true;
  let done = attempted();
  keeper.update();
  await done;
  assert.match(keeper.obstacle ?? "", /another table is in the way/);
  state.fails = false;
  done = attempted();
  await clock.advance(captureRetryMs);
  await done;
  assert.equal(keeper.obstacle, undefined);
});

test("stopping ends capture and every attempt", async () => {
  const { keeper, clock, state, applied, attempted } = setUp();
  state.fails = true;
  const done = attempted();
  keeper.update();
  await done;
  await keeper.stop();
  assert.equal(clock.pending, 0);
  assert.equal(state.stopped, 1);
  keeper.update();
  assert.equal(applied.length, 0);
});

test("what is captured is captured again when the machine is another one than before", async () => {
  const clock = new FakeClock();
  let fails = false;
  let applied = 0;
  let changed = (): void => {};
  let stale: (() => void) | undefined;
  const keeper = new CaptureKeeper({
    capture: {
      async apply() {
        if (fails) throw new TypeError("another table is in the way");
        applied += 1;
      },
      onStale(listener) {
        stale = listener;
        return () => {
          stale = undefined;
        };
      },
      async describe() {},
      async stop() {},
    },
    wanted: () => configOf(1),
    changed: () => changed(),
    clock,
    log: fakeLog().log,
  });
  const attempt = async (start: () => void): Promise<number> => {
    const done = new Promise<void>((resolve) => {
      changed = resolve;
    });
    start();
    await done;
    return applied;
  };
  assert.equal(await attempt(() => keeper.update()), 1);
  assert.equal(await attempt(() => keeper.update()), 1, "nothing is new");
  assert.equal(await attempt(() => stale?.()), 2);
  fails = true;
  assert.equal(await attempt(() => stale?.()), 2);
  fails = false;
  assert.equal(await attempt(() => void clock.advance(captureRetryMs)), 3, "tried again");
  await keeper.stop();
  assert.equal(stale, undefined);
});
