import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { splitDocuments } from "./split-documents.ts";

test("markers end documents, and lines are counted in the whole stream", () => {
  assert.deepEqual(splitDocuments("a: 1\n---\nb: 2\n---\nc: 3\n"), [
    { text: "a: 1\n", line: 1 },
    { text: "---\nb: 2\n", line: 2 },
    { text: "---\nc: 3\n", line: 4 },
  ]);
});

test("comments and directives before the first marker belong to its document", () => {
  assert.deepEqual(splitDocuments("%YAML 1.2\n# licence\n---\na: 1\n---\nb: 2\n"), [
    { text: "%YAML 1.2\n# licence\n---\na: 1\n", line: 1 },
    { text: "---\nb: 2\n", line: 5 },
  ]);
});

test("documents that hold nothing are left out", () => {
  assert.deepEqual(splitDocuments("---\n---\n# only a comment\n---   # another\n\n"), []);
  assert.deepEqual(splitDocuments(""), []);
});

test("... ends a document", () => {
  assert.deepEqual(splitDocuments("a: 1\n...\n# between\n---\nb: 2"), [
    { text: "a: 1\n...\n", line: 1 },
    { text: "# between\n---\nb: 2", line: 3 },
  ]);
});

test("only a marker at the start of a line with white space behind it counts", () => {
  const text = "a: |\n  ---\nb: '---'\nc: x---y\n---z: 1\n";
  assert.deepEqual(splitDocuments(text), [{ text, line: 1 }]);
});

test("line ends of Windows and a byte order mark are no content", () => {
  assert.deepEqual(splitDocuments("\uFEFF---\r\na: 1\r\n---\r\nb: 2\r\n"), [
    { text: "---\r\na: 1\r\n", line: 1 },
    { text: "---\r\nb: 2\r\n", line: 3 },
  ]);
});

test("every slice stands in the stream at its line, in order", () => {
  const part = fc.constantFrom("---", "...", "a: 1", "# c", "%YAML 1.2", "", " x", "--- y");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (lines) => {
      const stream = lines.join("\n");
      let end = 0;
      for (const { text, line } of splitDocuments(stream)) {
        const at = stream.indexOf(text, end);
        assert.ok(at >= end);
        assert.equal(stream.slice(0, at).split("\n").length, line);
        end = at + text.length;
      }
    }),
    { numRuns: 2000 },
  );
});
