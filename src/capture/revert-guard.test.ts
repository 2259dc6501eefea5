// The way back, when the agent is alive, dead or stopped by its service manager.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../kernel/clock.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import { Capture } from "./capture.ts";
import { createNamespace, type NetworkNamespace, namespacesMissing } from "./network-namespace.fake.ts";
import { nftBackend } from "./nft-backend.ts";
import { planCapture } from "./plan-capture.ts";
import { startRevertGuard } from "./revert-guard.ts";
import type { RuleStep } from "./rule-step.ts";

const skip = namespacesMissing(["ip", "nft"]);

describe("guards", { concurrency: true }, () => {
  describe("as processes", { concurrency: true }, guardSuite);
  describe("of real rules", { skip: skip ?? false, concurrency: 1 }, realSuite);
});

function guardSuite(): void {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "lt-guard-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const written = (name: string): string => readFileSync(join(folder, name), "utf8");
  const step = (name: string): RuleStep => ({
    command: ["tee", join(folder, name)],
    input: 'line one\n$(touch bad) `id` "; rm -rf /\nlast %s line',
  });

  test("hands its input on unchanged when its time has come", async () => {
    const guard = await startRevertGuard(step("fired"), 1);
    assert.equal(await guard.ended, "fired");
    assert.equal(written("fired"), `${step("fired").input}\n`);
  });

  test("does nothing once it is cancelled, and may be cancelled again", async () => {
    const guard = await startRevertGuard(step("cancelled"), 60_000);
    assert.equal(await guard.cancel(), "cancelled");
    assert.equal(await guard.cancel(), "cancelled");
    assert.throws(() => written("cancelled"), { code: "ENOENT" });
  });

  test("says when its step failed", async () => {
    const guard = await startRevertGuard({ command: ["false"], input: "" }, 1);
    assert.equal(await guard.ended, "failed");
  });

  test("fires at once when a service manager ends every process of the unit", async (t) => {
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const { startRevertGuard } = await import(${JSON.stringify(join(import.meta.dirname, "revert-guard.ts"))});
         setInterval(() => {}, 1000); // guards do not keep a process alive
         const guard = await startRevertGuard({ command: ["tee", process.argv[1]], input: "gone" }, 3600000);
         const { readFileSync } = await import("node:fs");
         const children = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim().split(" ");
         process.kill(Number(children[0]), "SIGTERM");
         process.send(await guard.ended, () => process.exit());`,
        join(folder, "ended"),
      ],
      { stdio: ["ignore", "inherit", "inherit", "ipc"] },
    );
    t.after(() => parent.kill("SIGKILL"));
    assert.equal((await once(parent, "message"))[0], "fired");
    assert.equal(written("ended"), "gone\n");
  });
}

function realSuite(): void {
  let namespace: NetworkNamespace;
  before(async () => {
    namespace = await createNamespace();
  });
  after(() => namespace.remove());

  /** An agent that applies rules and then hangs. */
  const hangingAgent = `
    const [capture, prefix] = [${JSON.stringify(import.meta.dirname)}, JSON.parse(process.argv[1])];
    const { Capture } = await import(capture + "/capture.ts");
    const { nftBackend } = await import(capture + "/nft-backend.ts");
    const { planCapture } = await import(capture + "/plan-capture.ts");
    const { systemClock } = await import(capture + "/../kernel/clock.ts");
    const { createLog } = await import(capture + "/../kernel/log.ts");
    const backend = nftBackend([...prefix, "nft"]);
    const log = createLog("error");
    await new Capture({ backend, clock: systemClock, log, confirmWithinMs: 1000 }).apply(planCapture({}));
    process.send("applied");
    setInterval(() => {}, 1000);
  `;

  test("work also when the agent was killed", async (t) => {
    const monitor = spawn("ip", [...namespace.prefix.slice(1), "nft", "monitor", "tables"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => monitor.kill());
    const agent = spawn(
      process.execPath,
      ["--input-type=module", "-e", hangingAgent, JSON.stringify(namespace.prefix)],
      {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      },
    );
    t.after(() => agent.kill("SIGKILL"));
    await once(agent, "message");
    const tables = (): Promise<string> => namespace.run("nft", "list", "tables");
    assert.match(await tables(), /lateen/);
    agent.kill("SIGKILL");
    for await (const _ of monitor.stdout) if (!(await tables()).includes("lateen")) return;
    assert.fail("the monitor ended");
  });

  test("rules of others that NAT consults first are reported", async () => {
    const backend = nftBackend([...namespace.prefix, "nft"]);
    const capture = new Capture({ backend, clock: systemClock, log: fakeLog().log });
    await capture.install(planCapture({}), []);
    await namespace.run("nft", "add table ip docker");
    await namespace.run("nft", "add chain ip docker pre { type nat hook prerouting priority -150; }");
    await namespace.run("nft", "add chain ip docker late { type nat hook output priority 100; }");
    assert.deepEqual(await capture.check(), { kind: "outranked", by: ["ip docker pre"] });
    await capture.remove();
    assert.match(await namespace.run("nft", "list", "tables"), /docker/);
  });
}
