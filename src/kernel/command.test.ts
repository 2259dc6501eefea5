import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { runCommand } from "./command.ts";
import { LateenError } from "./error.ts";

const failsWith = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LateenError);
  assert.equal(error.code, "LAT4001");
  assert.match(error.message, message);
  return true;
};

suite("runCommand", () => {
  test("returns what a program wrote", async () => {
    assert.deepEqual(await runCommand("sh", ["-c", "echo out; echo err >&2"]), { stdout: "out\n", stderr: "err\n" });
  });

  test("hands input through a pipe", async () => {
    const input = "ż".repeat(100_000);
    assert.equal((await runCommand("cat", [], { input })).stdout, input);
  });

  test("gives a program that reads input its end", async () => {
    assert.equal((await runCommand("cat", [])).stdout, "");
  });

  test("does not mind a program that reads no input", async () => {
    await runCommand("true", [], { input: "x".repeat(1 << 20) });
  });

  test("is no shell", async () => {
    const argument = "$(id); echo `id` > x & | * '\" \\";
    assert.equal((await runCommand("printf", ["%s", argument])).stdout, argument);
  });

  test("adds to the environment", async () => {
    const { stdout } = await runCommand("sh", ["-c", 'echo "$LATEEN_TEST $PATH"'], { env: { LATEEN_TEST: "here" } });
    assert.equal(stdout, `here ${process.env["PATH"]}\n`);
  });

  test("fails with the last lines of standard error", async () => {
    const script = "for i in 1 2 3 4 5; do echo line $i >&2; done; exit 7";
    await assert.rejects(
      runCommand("sh", ["-c", script]),
      failsWith(/^sh -c .* ended with 7: line 3; line 4; line 5$/s),
    );
  });

  test("fails where a signal ended the program", async () => {
    await assert.rejects(runCommand("sh", ["-c", "kill -9 $$"]), failsWith(/ended with SIGKILL/));
  });

  test("fails where there is no such program, and keeps the system's reason", async () => {
    await assert.rejects(runCommand("lateen-no-such-program", []), (error) => {
      failsWith(/^lateen-no-such-program cannot be run$/)(error);
      assert.equal(((error as LateenError).cause as NodeJS.ErrnoException).code, "ENOENT");
      return true;
    });
  });

  test("ends the program where it is told to", async () => {
    const controller = new AbortController();
    const running = runCommand("cat", ["/dev/zero"], { signal: controller.signal });
    controller.abort();
    await assert.rejects(running, failsWith(/^cat cannot be run$/));
  });

  test("keeps the end of an output beyond the limit", async () => {
    const { stdout } = await runCommand("sh", ["-c", "head -c 3000000 /dev/zero | tr '\\0' x; printf end"]);
    assert.equal(stdout.length, 1 << 20);
    assert.ok(stdout.endsWith("xend"));
  });
});
