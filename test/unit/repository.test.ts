// What must hold for every file of the repository.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { suite, test } from "node:test";

const root = join(import.meta.dirname, "../..");
const here = "test/unit/repository.test.ts";

/** Only git knows which files belong to the repository; a release that was unpacked has no git. */
const gitWorks = existsSync(join(root, ".git")) && spawnSync("git", ["--version"]).status === 0;
const skip = gitWorks ? false : "SKIPPED: needs git and a clone";
if (skip !== false) console.error(`repository: ${skip}`);

/** Paths that git lists with these options. */
function listed(...options: string[]): string[] {
  if (skip !== false) return [];
  const git = spawnSync("git", ["ls-files", "-z", ...options], { cwd: root, encoding: "utf8" });
  assert.equal(git.status, 0, git.stderr);
  return git.stdout.split("\0").filter((file) => file !== "");
}

/** Tracked files, and those that would be if they were added. */
const gone = new Set(listed("--deleted"));
const files = [...new Set(listed("--cached", "--others", "--exclude-standard"))].filter((file) => !gone.has(file));
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
const sources = files.filter((file) => /^(src|scripts|test|demo)\/.*\.ts$/.test(file));
const product = sources.filter((file) => file.startsWith("src/"));
const shipped = product.filter((file) => !/\.(test|suite|fake)\.ts$/.test(file));
const tests = sources.filter((file) => /\.(test|suite)\.ts$/.test(file));

function linesOf(file: string): string[] {
  return (texts.get(file) ?? "").replace(/\n$/, "").split("\n");
}

/**
 * `file:line: text` of every match in the given files; this file is left out.
 *
 * @param example a line that the pattern must find, so that a pattern that finds nothing cannot pass
 */
function places(pattern: RegExp, example: string, among: readonly string[] = files): string[] {
  assert.match(example, pattern);
  return among
    .filter((file) => file !== here)
    .flatMap((file) =>
      linesOf(file).flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
    );
}

suite("the repository", { skip }, () => {
  test("is scanned at all", () => {
    assert.ok(shipped.length > 100 && tests.length > 20, `${shipped.length} source files, ${tests.length} tests`);
    assert.ok(files.includes(here) && files.includes("package-lock.json"));
  });

  test("holds every file that its files need: none is ignored, so that a clone is whole", () => {
    const known = new Set(files);
    const imports = /^(?:import|export|\}).*from "(\.[^"]+)"|^.*\bimport\("(\.\.?\/[^"]+)"\)/gm;
    const missing = sources
      .filter((file) => !/^test\/unit\/(check|repository)\.test\.ts$/.test(file))
      .flatMap((file) =>
        [...(texts.get(file) ?? "").matchAll(imports)]
          .map((match) => join(dirname(file), match[1] ?? match[2] ?? ""))
          .filter((path) => !known.has(path) && !path.startsWith("gen/"))
          .map((path) => `${file} imports ${path}`),
      );
    const callers = files.filter((file) => /\.sh$|^package\.json$|^bin\//.test(file));
    for (const file of callers) {
      for (const [path] of (texts.get(file) ?? "").matchAll(/\b(?:bin|demo|scripts|src|test)\/[\w/-]+\.(?:ts|sh)\b/g)) {
        if (!known.has(path)) missing.push(`${file} runs ${path}`);
      }
    }
    assert.deepEqual(missing, []);
  });

  test("names no folder of the machine it was written on", () => {
    const buildMachine = /(?<![\w.\])}*-])\/(work|farm|workspace|Users)\//;
    assert.deepEqual(places(buildMachine, `const root = "/${"work"}/main";`), []);
  });

  test("names no host of a package registry", () => {
    const hosts = [
      ...["pypi\\.org", "pythonhosted\\.org", "registry\\.npmjs\\.org", "npmjs\\.com", "yarnpkg\\.com"],
      ...["proxy\\.golang\\.org", "sum\\.golang\\.org", "crates\\.io", "repo\\.maven\\.apache\\.org", "rubygems\\.org"],
    ];
    assert.deepEqual(places(new RegExp(hosts.join("|"), "i"), "https://pypi.org/simple"), []);
  });

  test("has a lock file that any registry can serve", () => {
    const lock = JSON.parse(texts.get("package-lock.json") ?? "") as {
      packages: Record<string, { resolved?: string; integrity?: string; link?: boolean }>;
    };
    assert.ok(Object.keys(lock.packages).length > 20);
    for (const [name, entry] of Object.entries(lock.packages)) {
      assert.equal(entry.resolved, undefined, `${name} is bound to a registry`);
      if (name !== "" && entry.link !== true) assert.match(entry.integrity ?? "", /^sha512-/, name);
    }
  });

  test("holds no key or token that could be real", () => {
    const secret = /-----BEGIN ([A-Z ]+ )?PRIVATE KEY-----(\\n|\s)*[A-Za-z0-9+/]|\blateen1\.[\w-]{20,}/;
    const found = places(secret, "lateen1.AAAAAAAAAAAAAAAAAAAAAA.b.c");
    assert.deepEqual(
      found.filter((place) => !/^(src|test)\/.*\.(test|fake)\.ts:/.test(place)),
      [],
    );
  });

  test("ends every text file with one line end, and uses Unix line ends", () => {
    const plain = files.filter((file) => /\.(ts|sh|md|json|ya?ml|proto)$/.test(file) && !file.includes("/testdata/"));
    const odd = plain.filter((file) => !/[^\n]\n$/.test(texts.get(file) ?? "") || texts.get(file)?.includes("\r\n"));
    assert.deepEqual(odd, []);
  });
});

suite("source files", { skip }, () => {
  /** Files over 500 lines, each with the reason why it is not two. */
  const long: Readonly<Record<string, string>> = {};

  test("are short", () => {
    for (const file of sources) {
      const lines = linesOf(file).length;
      assert.ok(lines <= 800, `${file} has ${lines} lines`);
      if (tests.includes(file)) continue;
      assert.ok(lines <= 500 || file in long, `${file} has ${lines} lines and no reason`);
    }
    for (const file of Object.keys(long)) assert.ok(linesOf(file).length > 500, `${file} is short, or gone`);
  });

  test("are one noun each: median and 90th percentile stay small", () => {
    const lengths = shipped.map((file) => linesOf(file).length).sort((a, b) => a - b);
    const at = (part: number): number => lengths[Math.floor(lengths.length * part)] ?? 0;
    assert.ok(at(0.5) <= 120, `median ${at(0.5)}`);
    assert.ok(at(0.9) <= 350, `90th percentile ${at(0.9)}`);
  });

  test("are named for what they hold", () => {
    const vague = /^(utils?|helpers?|common|types?|misc|shared|index|constants?)(\.(test|fake|suite))?\.ts$/;
    assert.deepEqual(
      sources.filter((file) => vague.test(basename(file))),
      [],
    );
  });

  test("begin with a comment that says what they are, not with a licence", () => {
    for (const file of product.filter((name) => !tests.includes(name))) {
      assert.match(linesOf(file)[0] ?? "", /^(\/\/|\/\*\*) \S/, file);
    }
    const licence = /copyright|SPDX-|licensed under|all rights reserved/i;
    assert.deepEqual(places(licence, "// Copyright 2026 Somebody", sources), []);
  });

  test("throw errors of the registry, never bare ones", () => {
    assert.deepEqual(places(/\bnew Error\(|\bthrow (["'`]|\{)/, 'throw new Error("no");', shipped), []);
  });

  test("silence no check without a reason", () => {
    const noReason = /biome-ignore(?!(-all|-start|-end)? [\w/]+: \S{3,})/;
    assert.deepEqual(places(noReason, "// biome-ignore lint/style/useTemplate", sources), []);
    assert.deepEqual(places(/@ts-(ignore|nocheck|expect-error)/, "// @ts-ignore", sources), []);
  });

  test("leave no test alone, and none that waits for time to pass", () => {
    const alone = /\b(test|suite|it|describe)\.only\(|\bonly: true/;
    assert.deepEqual(places(alone, 'test.only("x", () => {});', tests), []);
    const sleep = /setTimeout\(\s*(resolve|r|done)\b|timers\/promises/;
    assert.deepEqual(places(sleep, "await new Promise((r) => setTimeout(r, 100));", tests), []);
  });

  test("import no output and have no default export", () => {
    const output = /^\s*export default\b|from "[^"]*\/dist\//;
    assert.deepEqual(places(output, 'import { a } from "../../dist/a.ts";', shipped), []);
  });
});
