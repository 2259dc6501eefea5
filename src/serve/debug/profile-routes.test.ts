import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { systemClock } from "../../kernel/clock.ts";
import type { ApiIdentity } from "../api/api-identity.ts";
import { ApiRig } from "../api/api-rig.fake.ts";
import type { ExtraRequest } from "../api/extra-route.ts";
import { StatusError } from "../api/status-error.ts";
import { profileRoutes } from "./profile-routes.ts";
import { Profiler, type ProfilingTools } from "./profiler.ts";

const profiles = ["/debug/pprof/profile?seconds=1", "/debug/pprof/heap?seconds=1", "/debug/pprof/heap?snapshot=1"];

async function rigFor(t: TestContext, profiler: Profiler, identity?: () => ApiIdentity | undefined): Promise<ApiRig> {
  const rig = await ApiRig.start({
    extraRoutes: profileRoutes(profiler),
    ...(identity === undefined ? {} : { identity }),
  });
  t.after(() => rig.stop());
  return rig;
}

/** Tools that say what they were asked for, and how many are at work. */
function fakeTools(): { tools: ProfilingTools; asked: unknown[]; open: () => number } {
  const asked: unknown[] = [];
  let open = 0;
  const start = (options: unknown) => {
    asked.push(options);
    open += 1;
    return {
      stop: () => {
        open -= 1;
        return '{"made":true}';
      },
    };
  };
  return {
    asked,
    open: () => open,
    tools: { startCpuProfile: start, startHeapProfile: start, getHeapSnapshot: () => Readable.from(["{", "}"]) },
  };
}

test("who is no administrator gets no profile", async (t) => {
  let identity: ApiIdentity | undefined;
  const { tools, asked } = fakeTools();
  const rig = await rigFor(t, new Profiler({ clock: new FakeClock(), tools }), () => identity);
  for (const path of profiles) assert.equal((await rig.call("GET", path)).code, 401, path);
  identity = { name: "someone", groups: ["developers"] };
  for (const path of profiles) assert.equal((await rig.call("GET", path)).code, 403, path);
  assert.deepEqual(asked, []);
});

test("profiles take the asked time, one at a time, with a bound on samples", async (t) => {
  const clock = new FakeClock();
  const { tools, asked, open } = fakeTools();
  const rig = await rigFor(t, new Profiler({ clock, tools }));
  const started = async (): Promise<void> => {
    while (open() === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const cpu = rig.call("GET", "/debug/pprof/profile?seconds=60");
  await started();
  const second = await rig.call("GET", "/debug/pprof/heap");
  assert.equal(second.code, 429);
  assert.match(second.json.message, /a CPU profile is being made/);
  await clock.advance(60_000);
  assert.deepEqual((await cpu).json, { made: true });
  const heap = rig.call("GET", "/debug/pprof/heap");
  await started();
  await clock.advance(30_000);
  assert.equal((await heap).code, 200);
  assert.deepEqual(asked, [{ sampleInterval: 2, maxBufferSize: 30_000 }, { sampleInterval: 262_144 }]);
  for (const seconds of ["0", "61", "-1", "1.5", "x", ""]) {
    assert.equal((await rig.call("GET", `/debug/pprof/profile?seconds=${seconds}`)).code, 400, seconds);
  }
  assert.equal(clock.pending, 0);
});

test("a profile ends when its client goes away, or the control plane stops", async () => {
  const { tools, open } = fakeTools();
  const clock = new FakeClock();
  const profiler = new Profiler({ clock, tools });
  const gone = new AbortController();
  const made = profiler.cpu(60, gone.signal);
  assert.equal(open(), 1);
  gone.abort();
  await made;
  assert.deepEqual([open(), clock.pending], [0, 0]);
  assert.equal(await profiler.heap(60, gone.signal), '{"made":true}');
});

test("a snapshot must be confirmed, is made on this host only, and not while another is taken away", async (t) => {
  const { tools } = fakeTools();
  const profiler = new Profiler({ clock: new FakeClock(), tools });
  const rig = await rigFor(t, profiler);
  const unconfirmed = await rig.call("GET", "/debug/pprof/heap?snapshot=1");
  assert.equal(unconfirmed.code, 400);
  assert.match(unconfirmed.json.message, /private keys.*private-keys=included/);
  assert.equal((await rig.call("GET", "/debug/pprof/heap?snapshot=yes&private-keys=included")).code, 400);
  const made = await rig.call("GET", "/debug/pprof/heap?snapshot=1&private-keys=included");
  assert.deepEqual([made.code, made.text], [200, "{}"]);
  const stream = profiler.snapshot();
  assert.equal((await rig.call("GET", "/debug/pprof/heap?snapshot=1&private-keys=included")).code, 429);
  stream.destroy();
  const [, heap] = profileRoutes(profiler);
  const elsewhere = {
    ...{ isLocal: false, query: new URLSearchParams("snapshot=1&private-keys=included") },
    signal: new AbortController().signal,
  } as ExtraRequest;
  await assert.rejects(
    async () => heap?.handler(elsewhere),
    (error) => error instanceof StatusError && error.status.code === 403,
  );
});

test("V8 makes profiles that name what ran", async () => {
  const profiler = new Profiler({ clock: systemClock });
  const cpu = profiler.cpu(1, AbortSignal.timeout(50));
  let sum = 0;
  const busyUntilMs = performance.now() + 40;
  while (performance.now() < busyUntilMs) sum += Math.sqrt(sum + 1);
  const profile = JSON.parse(await cpu) as { nodes: unknown[]; samples: number[]; timeDeltas: number[] };
  assert.ok(profile.nodes.length > 0 && profile.samples.length > 0);
  const heap = profiler.heap(1, AbortSignal.timeout(20));
  const kept = Array.from({ length: 20_000 }, (_, index) => ({ index, text: `${index}` }));
  const sampled = JSON.parse(await heap) as { head: unknown };
  assert.ok("head" in sampled && kept.length > 0);
});
