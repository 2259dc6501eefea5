import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type TextList, TextTable } from "./text-table.ts";

const lookUp = (table: TextTable, bytes: Buffer, list: TextList = "names"): string | undefined => {
  const padded = Buffer.concat([Buffer.from("<<"), bytes, Buffer.from(">>")]);
  return table.get(padded, 2, 2 + bytes.length, list);
};

test("gives the text of the bytes, however often it is asked and whatever came before", () => {
  const table = new TextTable();
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", "a", "aa"))), (texts) => {
      for (const list of ["names", "names", "entries"] as const) {
        for (const text of texts) assert.equal(lookUp(table, Buffer.from(text), list), text);
      }
    }),
  );
});

test("knows bytes that are not UTF-8, also short of ones that are", () => {
  const table = new TextTable();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      const text = lookUp(table, buffer);
      assert.equal(lookUp(table, buffer), text);
      if (text === undefined) assert.ok(!Buffer.from(buffer.toString("utf8")).equals(buffer));
      else assert.deepEqual(Buffer.from(text), buffer);
    }),
  );
});

test("one text is one string, until the table is full; it keeps a bounded number", () => {
  const table = new TextTable();
  const { limit } = table.counts;
  for (let index = 0; index < limit + 10; index++) assert.equal(lookUp(table, Buffer.from(`n${index}`)), `n${index}`);
  assert.ok(table.counts.kept < limit);
  const { hits } = table.counts;
  assert.equal(lookUp(table, Buffer.from("again")), "again");
  assert.equal(lookUp(table, Buffer.from("again")), "again");
  assert.equal(table.counts.hits, hits + 1);
  assert.equal(lookUp(table, Buffer.from("x".repeat(5_000)))?.length, 5_000);
});

test("what was said long ago is forgotten", () => {
  const table = new TextTable();
  table.expire(1_000);
  for (const text of ["one", "two", "one"]) lookUp(table, Buffer.from(text));
  table.expire(300_000);
  assert.deepEqual([table.counts.kept, table.counts.hits, table.counts.misses], [0, 1, 2]);
  lookUp(table, Buffer.from("one"));
  table.expire(400_000);
  assert.equal(lookUp(table, Buffer.from("one")), "one");
  assert.deepEqual([table.counts.kept, table.counts.hits, table.counts.misses], [1, 2, 3]);
});
