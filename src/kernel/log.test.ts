import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { createLog, type LogLevel } from "./log.ts";

const collect = (level: LogLevel) => {
  const lines: string[] = [];
  return { log: createLog(level, { write: (line: string) => void lines.push(line) }), lines };
};

suite("createLog", () => {
  test("writes one JSON object a line: level as a word, UTC time, message, fields", () => {
    const { log, lines } = collect("info");
    log.info("ready", { port: 15012 });
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.endsWith("}\n"));
    const { time, ...line } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    assert.deepEqual(line, { level: "info", msg: "ready", port: 15012 });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test("keeps hostile text on its line", () => {
    const { log, lines } = collect("info");
    log.info('x\n{"level":"error"}', { name: "a\r\nb\u2028\u0000\ud800" });
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.trimEnd().split("\n").length, 1);
    assert.equal((JSON.parse(lines[0] ?? "") as Record<string, unknown>)["level"], "info");
  });

  const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];
  for (const level of levels) {
    test(`writes ${level} and what is more severe`, () => {
      const { log, lines } = collect(level);
      for (const each of levels) log[each](each);
      const written = lines.map((line) => (JSON.parse(line) as { level: string }).level);
      assert.deepEqual(written, levels.slice(levels.indexOf(level)));
    });
  }

  test("hands fields down, and lets a line's own win", () => {
    const { log, lines } = collect("info");
    log.with({ part: "ads" }).with({ connection: 7 }).info("open", { node: "vm-1" });
    const { part, connection, node } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    assert.deepEqual({ part, connection, node }, { part: "ads", connection: 7, node: "vm-1" });
  });

  test("survives fields that refer to themselves, and bigints", () => {
    const { log, lines } = collect("info");
    const ring: Record<string, unknown> = { size: 1n };
    ring["ring"] = ring;
    log.info("odd", { ring });
    assert.equal((JSON.parse(lines[0] ?? "") as Record<string, unknown>)["msg"], "odd");
  });

  test("writes the lines of one turn in one piece, and loses none at exit", async () => {
    const turns = 20;
    const lines = 100;
    const program = `
      import { readFileSync } from "node:fs";
      import { createLog } from ${JSON.stringify(join(import.meta.dirname, "log.ts"))};
      const writes = () => Number(/syscw: (\\d+)/.exec(readFileSync("/proc/self/io", "utf8"))[1]);
      const log = createLog("info");
      const before = writes();
      for (let at = 0; at < ${turns * lines}; at++) {
        log.info("a line", { at });
        if (at % ${lines} === ${lines - 1}) await new Promise((resolve) => setImmediate(resolve));
      }
      const after = writes();
      log.info("last", { at: after - before });
      process.exit(3);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
    const closed = once(child, "close");
    try {
      const written = (await text(child.stderr)).trimEnd().split("\n");
      const numbers = written.map((line) => (JSON.parse(line) as { at: number }).at);
      const writes = numbers.pop() ?? 0;
      assert.deepEqual(
        numbers,
        Array.from({ length: turns * lines }, (_, at) => at),
      );
      assert.ok(writes < turns * 5, `${writes} writes`);
      assert.equal((await closed)[0], 3);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
