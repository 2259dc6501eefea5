import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { decodeYaml } from "../../config/decode/decode-yaml.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { formatAge } from "./age.ts";
import { printable, printableLine } from "./printable.ts";
import { jsonText, yamlText } from "./structured.ts";
import { kubectlLayout, tableLines } from "./table.ts";
import { createTerminal } from "./terminal.ts";
import { wrapText } from "./wrap-text.ts";

/** Texts with what terminals act on. */
const nasty = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom("\u001b[31m", "\u009b2J", "\u001b]0;x\u0007", "\r", "\n", "\t", "\u202e", "\u2028", "\u007f"),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(""));
const unsafe = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u;

describe("printable", () => {
  test("removes sequences whole, keeps lines and tabs", () => {
    assert.equal(printable("a\u001b[1;31mred\u001b[0m\tb\nc"), "ared\tb\nc");
    assert.equal(printable("\u001b]8;;http://x\u0007link\u001b]8;;\u0007"), "link");
    assert.equal(printableLine("a\n\tb\r\nc"), "a b c");
  });

  test("nothing that steers a terminal is left, and plain text is untouched", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        assert.doesNotMatch(printable(text), unsafe);
        assert.doesNotMatch(printableLine(text), /[\n\t\p{Cc}]/u);
      }),
    );
    fc.assert(fc.property(fc.stringMatching(/^[ -~\n\täöü€]*$/), (text) => assert.equal(printable(text), text)));
  });
});

describe("jsonText and yamlText", () => {
  test("lose nothing and hold nothing unsafe", () => {
    const value = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        nasty.filter((text) => text.isWellFormed()),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom("yes", "1", "0x1", "1e3", "~", "2024-01-01", "12:30", "<<", "=", "- a", "a: b"),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(
          nasty.filter((text) => text.isWellFormed() && text !== "__proto__"),
          tie("tree"),
          { maxKeys: 3 },
        ),
      ),
    })).tree;
    fc.assert(
      fc.property(value, (tree) => {
        const json = jsonText(tree);
        assert.doesNotMatch(json, unsafe);
        assert.deepEqual(JSON.parse(json), plain(tree));
        const yaml = `${yamlText(tree)}\n`;
        assert.doesNotMatch(yaml, unsafe);
        assert.deepEqual(plain(parse(yaml, { version: "1.1" })), plain(tree));
        assert.deepEqual(plain(parse(yaml, { version: "1.2" })), plain(tree));
      }),
      { numRuns: 200 },
    );
  });

  test("what get prints can be applied again", () => {
    const object = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "a", annotations: { on: "yes", multi: "a\nb\n", number: "0777", tab: "a\tb", esc: "\u001b" } },
    };
    const { objects, problems } = decodeYaml(yamlText(object));
    assert.deepEqual(problems, []);
    assert.deepEqual(objects[0]?.object.metadata.annotations, object.metadata.annotations);
  });
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

describe("tableLines", () => {
  test("columns align, the last is not padded", () => {
    assert.deepEqual(
      tableLines(
        [
          ["NAME", "AGE"],
          ["reviews", "5m"],
          ["", ""],
        ],
        kubectlLayout,
      ),
      ["NAME      AGE", "reviews   5m", ""],
    );
    assert.deepEqual(
      tableLines(
        [
          ["A", "B"],
          ["x", "y"],
        ],
        kubectlLayout,
      ),
      ["A     B", "x     y"],
    );
  });

  test("every row is one line, and every cell starts in its column", () => {
    fc.assert(
      fc.property(fc.array(fc.array(nasty, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 5 }), (rows) => {
        const lines = tableLines(rows, kubectlLayout);
        assert.equal(lines.length, rows.length);
        const cells = rows.map((row) => row.map(printableLine));
        const starts = [0, 1, 2].map((column) =>
          [0, 1, 2]
            .slice(0, column)
            .reduce((sum, index) => sum + Math.max(6, ...cells.map((row) => [...(row[index] ?? "")].length + 3)), 0),
        );
        for (const [index, line] of lines.entries()) {
          assert.doesNotMatch(line, /[\n\p{Cc}]/u);
          for (const column of [0, 1, 2]) {
            const text = (cells[index]?.[column] ?? "").trimEnd();
            assert.equal([...line].slice(starts[column], (starts[column] ?? 0) + [...text].length).join(""), text);
          }
        }
      }),
    );
  });
});

test("ages as kubectl prints them", () => {
  const cases: [number, string][] = [
    [-5, "<invalid>"],
    [-1, "0s"],
    [0, "0s"],
    [119, "119s"],
    [120, "2m"],
    [250, "4m10s"],
    [600, "10m"],
    [10_799, "179m"],
    [10_800, "3h"],
    [12_000, "3h20m"],
    [28_800, "8h"],
    [172_799, "47h"],
    [172_800, "2d"],
    [262_800, "3d1h"],
    [691_200, "8d"],
    [63_071_999, "729d"],
    [63_072_000, "2y"],
    [96_336_000, "3y20d"],
    [252_288_000, "8y"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatAge(seconds), text);
});

test("text is wrapped at spaces", () => {
  assert.deepEqual(wrapText("aa bb cc\ndd", 5), ["aa bb", "cc", "dd"]);
  assert.deepEqual(wrapText("longer-than-that x", 5), ["longer-than-that", "x"]);
});

test("progress shows on a terminal only, after a second, and leaves nothing", async () => {
  const clock = new FakeClock();
  const written: string[] = [];
  const stderr = { write: (text: string) => written.push(text), isTTY: true };
  const progress = createTerminal({ write: () => {} }, stderr, clock).progress("applied", 3);
  progress.step();
  assert.deepEqual(written, []);
  await clock.advance(1_500);
  progress.step();
  progress.end();
  assert.equal(written[0], "\rapplied 2 of 3");
  assert.match(written[1] ?? "", /^\r +\r$/);
  const silent = createTerminal({ write: () => {} }, { write: () => assert.fail() }, clock).progress("applied", 3);
  await clock.advance(5_000);
  silent.step();
  silent.end();
});
