import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OutputPipe } from "./output-pipe.ts";

const folder = mkdtempSync(join(tmpdir(), "lateen-output-"));
after(() => rmSync(folder, { recursive: true }));

test("lines of one process after another arrive, also when it opens /dev/stdout by name, and endless ones are cut", async () => {
  const lines: string[] = [];
  let wake: () => void = () => {};
  const pipe = await OutputPipe.open(folder, undefined, (line) => {
    lines.push(line);
    wake();
  });
  const arrived = async (number: number) => {
    while (lines.length < number) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const run = async (script: string) => {
    const child = pipe.withWriter((descriptor) =>
      spawn("/bin/sh", ["-c", script], { stdio: ["ignore", descriptor, "ignore"] }),
    );
    await once(child, "exit");
  };
  assert.equal(statSync(join(folder, "envoy.stdout")).mode & 0o777, 0o600);
  await run("echo one; echo two > /dev/stdout");
  await run("echo three");
  await run("head -c 50000 /dev/zero | tr '\\0' x; echo");
  await arrived(4);
  assert.deepEqual(lines.slice(0, 3), ["one", "two", "three"]);
  assert.ok((lines[3]?.length ?? 0) <= 16_384);
  await pipe.stop();
  assert.equal(existsSync(join(folder, "envoy.stdout")), false);
});
