// docs/errors.md and the code name the same errors, each in the range of the folder that raises it.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { errorFiles, istioCodes, loadErrorKinds, ranges, renderErrors } from "../../scripts/errors-doc.ts";
import { findCommand } from "../../src/cli/command-table.ts";
import { cliCodes, cliErrors } from "../../src/cli/errors.ts";
import { configCodes, configErrors } from "../../src/config/errors.ts";
import { kindByName } from "../../src/config/kinds.ts";
import type { ErrorKind, ErrorMaker } from "../../src/kernel/error.ts";
import { fileCodes, fileProblems } from "../../src/sources/files/errors.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** Which ranges a folder's errors belong to; the longest prefix counts. */
const rangesOfFolder: Readonly<Record<string, readonly string[]>> = {
  "src/kernel": ["LAT4"],
  "src/collection": ["LAT2"],
  "src/identity": ["LAT3"],
  "src/xds": ["LAT2"],
  "src/config": ["LAT1"],
  "src/store": ["LAT5"],
  "src/sources/files": ["LAT1"],
  "src/sources/registration": ["LAT4"],
  "src/sources": ["LAT1", "LAT5"],
  "src/model": ["LAT1"],
  "src/translate": ["LAT1", "LAT2"],
  "src/simulate": ["LAT2"],
  "src/ca": ["LAT3"],
  "src/serve/ads": ["LAT2"],
  "src/serve/ca": ["LAT3"],
  "src/serve": ["LAT2", "LAT5"],
  "src/capture": ["LAT4"],
  "src/agent": ["LAT3", "LAT4"],
  "src/cli": ["LAT9"],
  "src/cmd": ["LAT1", "LAT4", "LAT5", "LAT9"],
};

/** Kinds of Istio; only those that are served may be advised. */
const kindWords = [
  "Sidecar",
  "Gateway",
  "EnvoyFilter",
  "WasmPlugin",
  "Telemetry",
  "ProxyConfig",
  "RequestAuthentication",
];

/** Code literals of the product, without tests: the first file that has each. */
function literals(pattern: RegExp): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of globSync("src/**/*.ts", { cwd: root }).sort()) {
    if (/\.(test|suite|fake)\.ts$/.test(file)) continue;
    for (const [code] of read(file).matchAll(pattern)) if (!found.has(code)) found.set(code, file);
  }
  return found;
}

suite("docs/errors.md", () => {
  let kinds: ErrorKind[] = [];
  before(async () => {
    kinds = await loadErrorKinds();
  });

  test("is what the code says", () => {
    assert.equal(read("docs/errors.md"), renderErrors(kinds), "run node scripts/errors-doc.ts");
  });

  test("lists every kind once, and nothing else", () => {
    const listed = [...read("docs/errors.md").matchAll(/^\| ((?:LAT|IST)\d+) \|/gm)].map((match) => match[1]);
    const declared = [...kinds, ...istioCodes].map((kind) => kind.code);
    assert.deepEqual(listed.sort(), declared.sort());
  });

  test("has a code, a meaning and a remedy for each kind", () => {
    for (const { code, meaning, remedy } of [...kinds, ...istioCodes]) {
      assert.match(code, /^(LAT|IST)\d{4}$/);
      assert.match(meaning, /^[A-Z].{15,}\.$/s, code);
      assert.match(remedy, /^([A-Z]|lateen ).{5,}/s, code);
    }
  });

  test("advises nothing that does not exist", () => {
    const advice = new Map(kinds.map(({ code, remedy }) => [code, remedy]));
    for (const [text, file] of literals(/(?<=remedy: *["`])[^"`]+/g)) advice.set(`${file}: ${text}`, text);
    assert.ok(advice.size > kinds.length);
    for (const [where, text] of advice) {
      for (const [, word = ""] of text.matchAll(/\blateen ([a-z][a-z-]*)/g)) {
        assert.ok(findCommand(word) !== undefined, `${where} advises lateen ${word}`);
      }
      for (const [file] of text.matchAll(/\b[\w/]+\.md\b/g))
        assert.ok(existsSync(join(root, file)), `${where} names ${file}`);
      for (const kind of kindWords)
        if (text.includes(kind)) assert.ok(kindByName(kind.toLowerCase()), `${where} advises ${kind}`);
    }
  });

  test("knows every LAT code that the code mentions", () => {
    const declared = new Set(kinds.map((kind) => kind.code));
    for (const [code, file] of literals(/\bLAT\d{4}\b/g)) assert.ok(declared.has(code), `${file} mentions ${code}`);
  });

  test("knows every IST code that the code emits, and no other", () => {
    const emitted = [...literals(/(?<=")IST\d{4}(?=")/g).keys()];
    const declared = istioCodes.map((kind) => kind.code);
    assert.deepEqual(declared, emitted.sort());
  });
});

suite("error codes", () => {
  test("lie in the ranges of their folders", () => {
    for (const file of errorFiles()) {
      const folder = Object.keys(rangesOfFolder)
        .filter((prefix) => file.startsWith(`${prefix}/`))
        .sort((a, b) => b.length - a.length)[0];
      assert.ok(folder !== undefined, `${file}: no range is stated for its folder`);
      const codes = [...read(file).matchAll(/\bLAT\d{4}\b/g)].map(([code]) => code);
      assert.ok(codes.length > 0, `${file} declares nothing`);
      for (const code of codes) {
        assert.ok(rangesOfFolder[folder]?.includes(code.slice(0, 4)), `${file}: ${code} belongs to another folder`);
        assert.ok(ranges.some((range) => code.startsWith(range.prefix)));
      }
    }
  });

  test("are declared in errors.ts files only", () => {
    for (const file of globSync("src/**/*.ts", { cwd: root })) {
      if (file.endsWith("/errors.ts") || file === "src/kernel/error.ts" || file.endsWith(".test.ts")) continue;
      assert.doesNotMatch(read(file), /\bdefineErrors\(/, file);
    }
  });

  test("of problems, which are not thrown, are those of their kinds", () => {
    const pairs: [Record<string, string>, Record<string, ErrorMaker>][] = [
      [configCodes, configErrors],
      [fileCodes, fileProblems],
      [cliCodes, cliErrors],
    ];
    for (const [codes, makers] of pairs) {
      for (const [name, code] of Object.entries(codes)) assert.equal(makers[name]?.("").code, code, name);
    }
  });
});
