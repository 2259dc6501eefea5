import assert from "node:assert/strict";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { systemClock } from "../../kernel/clock.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { fakeAdmin } from "./admin.fake.ts";
import { EnvoyProcess, type EnvoyState } from "./envoy-process.ts";
import { endStaleEnvoy, rememberEnvoy } from "./stale-envoy.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-envoy-"));
after(() => rmSync(root, { recursive: true }));
chmodSync(root, 0o755);
const isRoot = process.getuid?.() === 0;
let count = 0;

type Test = { after(fn: () => Promise<void>): void };

/** Envoy as a shell script; `drained` lists what the admin interface was told. */
async function setUp(
  t: Test,
  script: string,
  options: { live?: () => boolean; drainMs?: number; runAs?: boolean } = {},
) {
  const path = join(root, `envoy-${count++}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const clock = new FakeClock();
  const posts: string[] = [];
  const admin = await fakeAdmin(t, (request, response) => {
    if (request.method === "POST") posts.push(request.url ?? "");
    response.writeHead((options.live?.() ?? true) ? 200 : 503).end("LIVE");
  });
  const { log, lines } = fakeLog();
  const pids: number[] = [];
  const envoy = new EnvoyProcess({
    path,
    configPath: join(root, "bootstrap.json"),
    concurrency: 2,
    env: { LATEEN_WORKLOAD: "reviews" },
    output: { withWriter: (use) => withNull(use) },
    logLevel: "warning",
    runAs: options.runAs === true ? { uid: 1337, gid: 1337 } : undefined,
    drainMs: options.drainMs ?? 0,
    admin,
    onStart: (pid) => pids.push(pid),
    clock,
    random: { fraction: () => 0.5, bytes: (length) => new Uint8Array(length) },
    log,
    metrics: new Metrics(),
  });
  t.after(() => envoy.stop());
  const reached = (kind: EnvoyState["kind"]) =>
    new Promise<EnvoyState>((resolve) => {
      if (envoy.state.kind === kind) {
        resolve(envoy.state);
        return;
      }
      const end = envoy.onState((state) => {
        if (state.kind !== kind) return;
        end();
        resolve(state);
      });
    });
  return { envoy, clock, lines, pids, posts, reached, path };
}

function withNull<T>(use: (descriptor: number) => T): T {
  const descriptor = openSync("/dev/null", "w");
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const waits = 'trap "exit 0" TERM; while :; do sleep 0.01; done';

test("Envoy is starting until its admin interface says it is live", async (t) => {
  let isLive = false;
  const { envoy, clock, reached, pids } = await setUp(t, waits, { live: () => isLive });
  envoy.start();
  assert.equal(envoy.state.kind, "starting");
  await clock.advance(100);
  isLive = true;
  while (envoy.state.kind === "starting") {
    await clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const state = await reached("live");
  assert.equal(state.kind === "live" ? state.pid : 0, pids[0]);
});

test("it is given its own shared memory, the bootstrap, and nothing of the agent's environment", async (t) => {
  const { envoy, reached, clock, path } = await setUp(t, 'echo "$@" > "$0.args"; env > "$0.env"; exit 0');
  envoy.start();
  await reached("backoff");
  const args = readFileSync(`${path}.args`, "utf8");
  assert.match(args, /--config-path \S+bootstrap\.json --disable-hot-restart --concurrency 2/);
  const env = readFileSync(`${path}.env`, "utf8");
  assert.match(env, /LATEEN_WORKLOAD=reviews/);
  assert.doesNotMatch(env, /HOME=|TOKEN|NODE/);
  assert.equal(clock.pending, 1);
});

test("a crash is followed by a start after a growing wait, with Envoy's last words in the log (F18)", async (t) => {
  const { envoy, clock, lines, reached, pids } = await setUp(
    t,
    'printf "critical\\tmain\\tout of memory\\n" >&2; printf "error\\tmain\\tassert failure\\n" >&2; exit 3',
  );
  envoy.start();
  const delays: number[] = [];
  for (let crash = 1; crash <= 3; crash += 1) {
    const state = await reached("backoff");
    assert.ok(state.kind === "backoff");
    assert.equal(state.crashes, crash);
    assert.match(state.reason, /ended with status 3: assert failure/);
    delays.push(state.delayMs);
    if (crash === 3) break;
    const next = reached("starting");
    await clock.advance(state.delayMs);
    await next;
  }
  assert.deepEqual(delays, [250, 500, 1_000]);
  assert.equal(pids.length, 3);
  assert.ok(lines.some((line) => line["code"] === "LAT4203"));
  assert.ok(lines.some((line) => line["logger"] === "envoy.main" && line.msg === "out of memory"));
});

test("a binary that is not there is reported and tried again", async (t) => {
  const { envoy, reached, path, clock, pids } = await setUp(t, "exit 0");
  rmSync(path);
  envoy.start();
  const state = await reached("backoff");
  assert.match(state.kind === "backoff" ? state.reason : "", /ENOENT/);
  assert.equal(pids.length, 0);
  assert.equal(clock.pending, 1);
});

test("stopping drains first, then asks to end, then insists", async (t) => {
  const { envoy, clock, posts, reached, pids } = await setUp(t, 'trap "" TERM; while :; do sleep 0.01; done', {
    drainMs: 5_000,
  });
  envoy.start();
  while (envoy.state.kind === "starting") {
    await clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  let stopped = false;
  const stopping = envoy.stop().then(() => {
    stopped = true;
  });
  assert.equal(envoy.state.kind, "stopping");
  while (!stopped) {
    await clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await stopping;
  assert.deepEqual(posts, ["/drain_listeners?graceful&skip_exit"]);
  await reached("stopped");
  assert.throws(() => process.kill(pids[0] ?? 0, 0), /ESRCH/);
  envoy.start();
  assert.equal(envoy.state.kind, "stopped");
});

test("stopping while Envoy waits to be started again leaves nothing", async (t) => {
  const { envoy, clock, reached } = await setUp(t, "exit 1");
  envoy.start();
  await reached("backoff");
  await envoy.stop();
  assert.equal(clock.pending, 0);
  assert.equal(envoy.state.kind, "stopped");
});

test("as root it runs as the proxy's user, from a folder that only root may enter", { skip: !isRoot }, async (t) => {
  const { envoy, reached, lines } = await setUp(t, 'echo "uid $(id -u) groups $(id -G)" >&2; exit 0', { runAs: true });
  chmodSync(root, 0o700);
  t.after(async () => chmodSync(root, 0o755));
  envoy.start();
  await reached("backoff");
  assert.ok(
    lines.some(({ msg }) => msg === "uid 1337 groups 1337"),
    JSON.stringify(lines),
  );
});

test("an Envoy of an agent that was killed is ended, another process with its number is not", async (t) => {
  const { spawn } = await import("node:child_process");
  const folder = mkdtempSync(join(root, "run-"));
  const config = join(folder, "envoy-rev.json");
  const { log } = fakeLog();
  const sent: string[] = [];
  const send = (pid: number, signal: "SIGTERM" | "SIGKILL") => {
    sent.push(signal);
    process.kill(pid, signal);
  };
  const start = (...args: string[]) => {
    const child = spawn("/bin/sh", ["-c", "while :; do sleep 0.05; done", ...args], { stdio: "ignore" });
    const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
    t.after(async () => {
      child.kill("SIGKILL");
      await gone;
    });
    return { child, gone };
  };
  await endStaleEnvoy(folder, config, { clock: systemClock, log, send });
  const other = start("unrelated");
  rememberEnvoy(folder, other.child.pid ?? 0);
  await endStaleEnvoy(folder, config, { clock: systemClock, log, send });
  assert.deepEqual(sent, []);
  const stale = start(config);
  rememberEnvoy(folder, stale.child.pid ?? 0);
  // Its command line is its parent's until it has been executed.
  while (!readFileSync(`/proc/${stale.child.pid}/cmdline`, "utf8").includes(config)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await endStaleEnvoy(folder, config, { clock: systemClock, log, send });
  await stale.gone;
  assert.deepEqual(sent, ["SIGTERM"]);
  for (const text of ["", "0", "-1", "1 2", "x".repeat(100)]) {
    writeFileSync(join(folder, "envoy.pid"), text);
    await endStaleEnvoy(folder, config, { clock: systemClock, log, send });
  }
});
