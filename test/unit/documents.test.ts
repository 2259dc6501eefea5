// Documents say what is true: their links, paths, commands, codes, kinds and dependencies exist.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, suite, test } from "node:test";
import { istioCodes, loadErrorKinds } from "../../scripts/errors-doc.ts";
import { commandTable } from "../../src/cli/command-table.ts";
import { kinds } from "../../src/config/kinds.ts";
import type { ErrorKind } from "../../src/kernel/error.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const documents = globSync(["*.md", "docs/**/*.md"], { cwd: root }).sort();
const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
const dependencies = ["dependencies", "devDependencies", "optionalDependencies"].flatMap((key) =>
  Object.keys(manifest[key] ?? {}),
);

/** Commands that errors point to although they are not there yet. */
const plannedCommands: readonly string[] = ["status", "logs"];
const commands = new Set(commandTable.flatMap(({ name, aliases }) => [name, ...aliases]));

/** Every match of a pattern's first group, as `document: text`, for which `isFine` does not hold. */
function untrue(pattern: RegExp, isFine: (text: string, document: string) => boolean): string[] {
  return documents.flatMap((document) =>
    [...read(document).matchAll(pattern)]
      .map((match) => match[1] ?? "")
      .filter((text) => !isFine(text, document))
      .map((text) => `${document}: ${text}`),
  );
}

suite("documents", () => {
  let errors: ErrorKind[] = [];
  before(async () => {
    errors = await loadErrorKinds();
  });

  test("are all there", () => {
    const wanted = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];
    for (const document of [...wanted, "docs/differences.md", "docs/errors.md", "docs/adr/0001-dependencies.md"]) {
      assert.ok(documents.includes(document), document);
    }
  });

  test("link to what exists", () => {
    const link = /\]\((?!https?:)([^)#]+)/g;
    assert.deepEqual(
      untrue(link, (path, document) => existsSync(join(root, dirname(document), path))),
      [],
    );
  });

  test("name files and folders that exist", () => {
    // Words in capitals are for the reader to fill in.
    const path = /`((?:src|scripts|test|docs|demo|proto|bin)\/[\w./-]*)`/g;
    assert.deepEqual(
      untrue(path, (text) => /[A-Z]{4}/.test(text) || existsSync(join(root, text))),
      [],
    );
  });

  test("show commands that exist", () => {
    assert.deepEqual(
      untrue(/^(?!\|).*?\bbin\/lateen ([a-z][a-z-]*)/gm, (name) => commands.has(name)),
      [],
    );
    assert.deepEqual(
      untrue(/`lateen ([a-z][a-z-]*)/g, (name) => commands.has(name)),
      [],
    );
    const scripts = manifest["scripts"] ?? {};
    assert.deepEqual(
      untrue(/\bnpm run ([a-z:]*[a-z])/g, (name) => name in scripts),
      [],
    );
  });

  test("mention codes that exist", () => {
    const known = new Set([...errors, ...istioCodes].map(({ code }) => code));
    assert.deepEqual(
      untrue(/\b((?:LAT|IST)\d{4})\b/g, (code) => known.has(code)),
      [],
    );
  });

  test("errors point to commands that exist", () => {
    const used = errors.flatMap(({ code, meaning, remedy }) =>
      // Not "something that lateen does", which is about the program.
      [...`${meaning} ${remedy}`.matchAll(/\blateen (?!does\b|shows\b)([a-z][a-z-]+)/g)].map(
        (match) => [code, match[1] ?? ""] as const,
      ),
    );
    assert.ok(used.length > 20);
    for (const [code, name] of used) {
      assert.ok(commands.has(name) || plannedCommands.includes(name), `${code} points to lateen ${name}`);
    }
  });

  test("docs/differences.md lists the kinds that are served", () => {
    const row = /^\| Serves all kinds of its API \| Serves (.*?);/m.exec(read("docs/differences.md"))?.[1] ?? "";
    const listed = row.split(/, | and /).sort();
    assert.deepEqual(listed, kinds.map(({ kind }) => kind).sort());
  });

  test("docs/adr/0001-dependencies.md has a line for each dependency, and for nothing else", () => {
    const tables = read("docs/adr/0001-dependencies.md").split("Written by hand")[0] ?? "";
    const listed = [...tables.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap((match) =>
      [...(match[1] ?? "").matchAll(/`([^`]+)`/g)].map((name) => name[1]),
    );
    assert.deepEqual(listed.sort(), dependencies.sort());
  });

  test("every dependency is used, and those of the product are not development's", () => {
    // Tools that are run, types that are looked up, and the platform's Node.
    const tools = /^(@types\/|node-linux-|@biomejs\/biome$|typescript$)/;
    const files = globSync(["src/**/*.ts", "scripts/**/*.ts", "test/**/*.ts", "demo/**/*.ts"], { cwd: root });
    const importers = (name: string): string[] =>
      files.filter((file) => new RegExp(`["/]${name.replace(/[.]/g, "\\.")}(?:/[^"]*)?"`).test(read(file)));
    for (const name of dependencies.filter((each) => !tools.test(each))) {
      const found = importers(name);
      assert.ok(found.length > 0, `${name} is used nowhere`);
      const inProduct = found.some((file) => /^src\//.test(file) && !/\.(test|suite|fake)\.ts$/.test(file));
      assert.equal(name in (manifest["dependencies"] ?? {}), inProduct, `${name} stands in the wrong list`);
    }
  });

  test("architecture decisions have their three parts and a number each", () => {
    const decisions = documents.filter((document) => document.startsWith("docs/adr/"));
    const numbers = decisions.map((document) => /\/(\d{4})-[a-z0-9-]+\.md$/.exec(document)?.[1]);
    assert.deepEqual(numbers, [...new Set(numbers)]);
    for (const [index, document] of decisions.entries()) {
      assert.equal(numbers[index], String(index + 1).padStart(4, "0"));
      const headings = [...read(document).matchAll(/^## (.+)$/gm)].map((match) => match[1]);
      assert.deepEqual(headings, ["Context", "Decision", "Consequences"], document);
      assert.match(read(document), new RegExp(`^# ${numbers[index]}: `));
    }
  });
});
