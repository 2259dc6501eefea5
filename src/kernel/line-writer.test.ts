import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { LineWriter } from "./line-writer.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A reader with room for so many bytes; the rest it takes when it is given room again. */
function startReader(room: number) {
  const reader = { room, text: "", writes: 0, broken: false, emptied: () => {} };
  const writer = new LineWriter(
    (bytes) => {
      reader.writes += 1;
      if (reader.broken) throw Object.assign(new TypeError("gone"), { code: "EPIPE" });
      if (reader.room === 0) throw Object.assign(new TypeError("full"), { code: "EAGAIN" });
      const taken = bytes.subarray(0, reader.room);
      reader.room -= taken.length;
      reader.text += Buffer.from(taken).toString("latin1");
      if (taken.length === bytes.length) reader.emptied();
      return taken.length;
    },
    (count) => `lost ${count}\n`,
  );
  return { reader, writer };
}

suite("LineWriter", () => {
  test("writes the lines of one turn in one piece", async () => {
    const { reader, writer } = startReader(1_000);
    for (let at = 0; at < 100; at++) writer.write(`${at % 10}\n`);
    assert.equal(reader.text, "");
    await turn();
    assert.deepEqual([reader.text.length, reader.writes], [200, 1]);
  });

  test("goes on where a reader takes nothing for a while, and loses nothing", async () => {
    const { reader, writer } = startReader(5);
    writer.write("first\n");
    await turn();
    writer.write("second\n");
    await turn();
    assert.equal(reader.text, "first");
    const emptied = new Promise<void>((resolve) => {
      reader.emptied = () => reader.text.endsWith("second\n") && resolve();
    });
    reader.room = 100;
    const alive = setTimeout(() => {}, 10_000); // its own timer keeps no program alive
    await emptied;
    clearTimeout(alive);
    assert.equal(reader.text, "first\nsecond\n");
  });

  test("says how many lines are lost where more wait than it keeps", async () => {
    const { reader, writer } = startReader(0);
    const line = `${"x".repeat((1 << 20) - 1)}\n`;
    for (let count = 0; count < 7; count++) writer.write(line);
    await turn();
    writer.write("y\n");
    reader.room = 100 << 20;
    writer.end();
    assert.equal(reader.text.length, (4 << 20) + "lost 3\nlost 1\n".length);
    assert.ok(reader.text.endsWith("x\nlost 3\nlost 1\n"));
    writer.write("z\n");
    writer.end();
    assert.ok(reader.text.endsWith("lost 1\nz\n"));
  });

  test("drops what nobody can read", async () => {
    const { reader, writer } = startReader(10);
    reader.broken = true;
    writer.write("a\n");
    await turn();
    reader.broken = false;
    writer.write("b\n");
    await turn();
    assert.equal(reader.text, "b\n");
  });
});
