import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { EnvoyLog, linesPerSecond } from "./envoy-log.ts";

function setUp() {
  const { log, lines } = fakeLog();
  const clock = new FakeClock();
  return { output: new EnvoyLog(log, clock), lines, clock };
}

test("lines keep Envoy's level and logger, however they are cut", () => {
  const { output, lines } = setUp();
  for (const part of ["warn", "ing\tupstream\tno ", "hosts\ninfo\tmain\ttab\there\n", "critical\tassert\tend"]) {
    output.write(part);
  }
  output.end();
  assert.deepEqual(
    lines.map(({ level, logger, msg }) => [level, logger, msg]),
    [
      ["warn", "envoy.upstream", "no hosts"],
      ["info", "envoy.main", "tab\there"],
      ["error", "envoy.assert", "end"],
    ],
  );
  assert.equal(output.lastWords, "end");
});

test("lines without a level, as of a crash before logging, are kept too", () => {
  const { output, lines } = setUp();
  output.write("error while loading shared libraries\n\n");
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [["warn", "error while loading shared libraries"]],
  );
  assert.equal(output.lastWords, "error while loading shared libraries");
});

test("a flood is cut and counted, and an endless line is cut short", async () => {
  const { output, lines, clock } = setUp();
  output.write("info\tmain\tx\n".repeat(linesPerSecond + 50));
  assert.equal(lines.length, linesPerSecond);
  await clock.advance(1_000);
  output.write(`info\tmain\t${"y".repeat(100_000)}\n`);
  assert.equal(lines[linesPerSecond]?.["lines"], 50);
  assert.ok((lines.at(-1)?.msg.length ?? 0) < 10_000);
  for (let part = 0; part < 100; part += 1) output.write("z".repeat(10_000));
  output.end();
  assert.ok((lines.at(-1)?.msg.length ?? 0) < 10_000);
});
