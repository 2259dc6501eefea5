import assert from "node:assert/strict";
import { test } from "node:test";
import type { TextFault } from "./text-fault.ts";
import { decodeYamlText } from "./yaml-text.ts";

function decodedValue(text: string): unknown {
  const decoded = decodeYamlText(text, 1);
  assert.ok(!("faults" in decoded), JSON.stringify(decoded));
  return decoded.value;
}

function faultOf(text: string): TextFault {
  const decoded = decodeYamlText(text, 1);
  assert.ok("faults" in decoded, `accepted ${text.slice(0, 50)}`);
  const [fault] = decoded.faults;
  assert.ok(fault !== undefined);
  return fault;
}

test("null entries are absent, nulls in lists stay", () => {
  assert.deepEqual(decodedValue("a:\nb: ~\nc: null\nd: ''\ne: [~, 1]\n"), { d: "", e: [null, 1] });
});

test("quotes keep a scalar text", () => {
  assert.deepEqual(decodedValue("a: '1'\nb: \"true\"\nc: |\n  1\nd: !!str 5\n"), {
    a: "1",
    b: "true",
    c: "1\n",
    d: "5",
  });
});

test("tags of YAML's core say what they say", () => {
  assert.deepEqual(decodedValue("a: !!int 5\nb: !!float 1.5\nc: !!bool true\nd: ! 5\n"), {
    a: 5,
    b: 1.5,
    c: true,
    d: "5",
  });
  assert.match(faultOf("a: !!int x").message, /not what its tag says/);
});

test("keys are text, whatever they look like", () => {
  assert.deepEqual(decodedValue("8080: a\ntrue: b\n1.0: c\n'': d\n"), { "8080": "a", true: "b", "1.0": "c", "": "d" });
});

test("a key that is no text is refused", () => {
  assert.match(faultOf("? [a]\n: 1").message, /key must be a text/);
  assert.match(faultOf("~: 1").message, /key must be a text/);
});

test("aliases repeat their anchor, and the last anchor of a name counts", () => {
  assert.deepEqual(decodedValue("a: &x {k: 1}\nb: *x\nc: &x 2\nd: *x\n"), { a: { k: 1 }, b: { k: 1 }, c: 2, d: 2 });
  assert.match(faultOf("a: *nope").message, /no anchor "&nope"/);
  assert.match(faultOf("a: &a [*a]").message, /no anchor/);
});

test("merge keys add what the map itself does not say; the first source wins", () => {
  const text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 0\nd:\n  '<<': text\n";
  assert.deepEqual(decodedValue(text), {
    a: { x: 1, y: 1 },
    b: { y: 2, z: 2 },
    c: { x: 0, y: 1, z: 2 },
    d: { "<<": "text" },
  });
  assert.match(faultOf("a:\n  <<: 5").message, /map or a list of maps/);
});

test("a bomb of aliases or of merges is refused before it grows", () => {
  const names = [..."abcdefghij"];
  const aliases = names.map((name, index) => {
    const items = index === 0 ? "x" : `*${names[index - 1]}`;
    return `${name}: &${name} [${Array(9).fill(items).join(",")}]`;
  });
  assert.equal(faultOf(aliases.join("\n")).code, "LAT1011");
  const keys = Array.from({ length: 500 }, (_, index) => `k${index}: 1`).join(", ");
  const merges = Array.from({ length: 500 }, (_, index) => `m${index}: {<<: *a}`);
  assert.equal(faultOf([`a: &a {${keys}}`, ...merges].join("\n")).code, "LAT1011");
});

test("what must not be in configuration is refused, with its place", () => {
  assert.match(faultOf("a: 1\nb: 2\na: 3\n").message, /"a" is given twice/);
  assert.equal(faultOf("a: 1\nb: 2\na: 3\n").offset, 10);
  assert.match(faultOf("a: {b: 1, b: 2}").message, /"b" is given twice/);
  assert.match(faultOf("__proto__: {x: 1}").message, /__proto__/);
  assert.match(faultOf("a: {<<: {__proto__: 1}}").message, /__proto__/);
  for (const tag of [
    "!js/function x",
    "!!binary aGk=",
    "!!set {a}",
    "!<tag:example.com,2026:x> x",
    "!!timestamp 2026",
  ]) {
    assert.match(faultOf(`a: ${tag}`).message, /is not allowed/, tag);
  }
  assert.match(faultOf("a: b\0c").message, /NUL/);
  assert.match(faultOf('a: "\\0"').message, /NUL/);
  assert.match(faultOf('a: "\\ud800"').message, /surrogate/);
  assert.match(faultOf("a: .nan").message, /not a number that JSON can hold/);
  assert.match(faultOf("a:\n\tb: 1").message, /tab/i);
});

test("depth is bounded for blocks, flows and mixtures", () => {
  const blocks = Array.from({ length: 70 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n");
  for (const text of [
    blocks,
    "[".repeat(200),
    "{a: ".repeat(70) + "}".repeat(70),
    "- ".repeat(70),
    "- ".repeat(50_000),
    "? ".repeat(5000),
  ]) {
    assert.equal(faultOf(text).code, "LAT1011", text.slice(0, 10));
  }
  assert.notEqual(decodedValue(blocks.split("\n").slice(0, 60).join("\n")), undefined);
});

test("constructor is a key like any other", () => {
  const value = decodedValue("constructor: {prototype: 1}\nhasOwnProperty: 2\n");
  assert.deepEqual(Object.keys(value as object), ["constructor", "hasOwnProperty"]);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});
