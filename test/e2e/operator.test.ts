// Whoever runs a control plane can stop it at any moment, and is told the cause of what does not work.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { lateenPath } from "../kit/control-plane-run.ts";
import { startProgram } from "../kit/program.ts";

/** A watchdog for programs that do not end, milliseconds. */
const endMs = 20_000;
const freePorts = ["--listen", "127.0.0.1", "--xds-port", "0", "--api-port", "0", "--metrics-port", "0"];

describe("lateen up", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "lateen-operator-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("ends when it is told to before it is ready", async () => {
    const program = startProgram(lateenPath, ["up", "--data-dir", join(folder, "early"), ...freePorts]);
    const watchdog = setTimeout(() => program.kill("SIGKILL"), endMs);
    await program.line(/made a new certificate authority/);
    process.kill(program.pid, "SIGTERM");
    assert.equal(await program.ended, 0);
    clearTimeout(watchdog);
    assert.ok(!program.lines.some((line) => line.startsWith("ready ")), program.lines.join("\n"));
  });
});
