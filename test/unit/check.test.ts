// A forbidden import, a cycle, an undocumented error code or an unformatted file fails `npm run check`: each is put into
// a copy of some folders, and the very line of scripts/check.sh is run on it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, matchesGlob } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";

const root = join(import.meta.dirname, "../..");
const checkScript = readFileSync(join(root, "scripts/check.sh"), "utf8");

/** The line of scripts/check.sh that runs a tool. */
function lineOf(tool: string): string {
  const lines = checkScript.split("\n").filter((line) => line.includes(tool) && !/^\s*(#|echo)/.test(line));
  assert.equal(lines.length, 1, `scripts/check.sh runs ${tool} once`);
  return lines[0] ?? "";
}

interface Outcome {
  readonly failed: boolean;
  readonly output: string;
}

/** A copy of the repository with some of its folders; files added to it are removed after each test. */
class Copy {
  readonly folder = mkdtempSync(join(tmpdir(), "lateen-check-"));
  private readonly added = new Set<string>();

  constructor(paths: readonly string[]) {
    for (const path of paths) cpSync(join(root, path), join(this.folder, path), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text);
  }

  add(path: string, text: string): void {
    mkdirSync(join(this.folder, path, ".."), { recursive: true });
    this.write(path, text);
    this.added.add(path);
  }

  /** Runs a line as scripts/check.sh would. */
  run(line: string): Outcome {
    const script = `set -eu\nnode=node_modules/.bin/node\n${line}\n`;
    // A test file that runs below another one would report to it and always succeed.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawnSync("sh", ["-c", script], { cwd: this.folder, encoding: "utf8", env });
    assert.equal(child.error, undefined);
    return { failed: child.status !== 0, output: child.stdout + child.stderr };
  }

  passes(line: string): void {
    const { failed, output } = this.run(line);
    assert.ok(!failed, `${line} fails without damage:\n${output}`);
  }

  fails(line: string, reason: RegExp): void {
    const { failed, output } = this.run(line);
    assert.match(output, reason);
    assert.ok(failed, `${line} reports and yet succeeds`);
  }

  undo(): void {
    for (const path of this.added) {
      rmSync(join(this.folder, path));
      if (readdirSync(join(this.folder, path, "..")).length === 0) rmdirSync(join(this.folder, path, ".."));
    }
    this.added.clear();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

suite("scripts/check.sh", () => {
  test("ends at the first failure and hides none", () => {
    assert.match(checkScript, /^set -eu$/m);
    const commands = checkScript.slice(checkScript.indexOf("sh scripts/setup.sh"));
    // No list, pipe or job, whose end would be another's.
    assert.doesNotMatch(commands.replaceAll(">&2", ""), /[|&;]|\bexit\b|\bset \+/);
  });

  test("is what npm run check runs, and what npm test runs first", () => {
    const scripts = (
      JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> }
    ).scripts;
    assert.equal(scripts["check"], "sh scripts/check.sh");
    assert.equal(scripts["test"], "sh scripts/test.sh");
    assert.match(readFileSync(join(root, "scripts/test.sh"), "utf8"), /^sh scripts\/check\.sh$/m);
  });

  test("runs the tests of one thing each, and npm test all others", () => {
    const lines = [lineOf("--test "), readFileSync(join(root, "scripts/test.sh"), "utf8")];
    const globs = lines.map((line) => [...line.matchAll(/'([^']+\.ts)'/g)].map((match) => match[1] ?? ""));
    // What asks by thousands is for `npm test`, which runs the check first.
    for (const [script, path] of [
      [0, "src/a/b/c.test.ts"],
      [0, "scripts/c.test.ts"],
      [0, "test/unit/c.test.ts"],
      [1, "test/property/c.test.ts"],
      [1, "test/e2e/c.test.ts"],
    ] as const) {
      assert.ok(
        globs[script]?.some((glob) => matchesGlob(path, glob)),
        path,
      );
    }
  });
});

suite("npm run check", () => {
  const unrelated = ["src/kernel", "src/collection", "src/identity", "src/contract"];
  const settings = ["ARCHITECTURE.md", "package.json", "biome.json", "tsconfig.base.json", ".gitignore"];
  const copy = new Copy([...unrelated, ...settings, "scripts/walls.ts"]);
  const lint = lineOf("biome check");
  const walls = lineOf("scripts/walls.ts");
  const types = lineOf("tsc -b");

  before(() => {
    // A table of the kept folders only, so that the copy is a whole by itself and nothing else can fail it.
    const table = readFileSync(join(root, "ARCHITECTURE.md"), "utf8").split("\n");
    const rows = table.filter(
      (row) => !row.startsWith("| `") || unrelated.some((name) => row.startsWith(`| \`${name}/`)),
    );
    copy.write("ARCHITECTURE.md", rows.join("\n"));
    assert.ok(!copy.run("$node scripts/walls.ts").failed);
  });
  afterEach(() => copy.undo());
  after(() => copy.remove());

  test("passes where nothing is wrong", () => {
    copy.passes(lint);
    copy.passes(walls);
    copy.passes(types);
  });

  test("fails for a forbidden import, of values and of types", () => {
    const forbidden = [
      'export { parseSpiffeId } from "../identity/spiffe-id.ts";',
      'import type { SpiffeId } from "../identity/spiffe-id.ts";\n\nexport type Id = SpiffeId;',
      'export type Id = import("../identity/spiffe-id.ts").SpiffeId;',
      'export const later = () => import("../identity/spiffe-id.ts");',
    ];
    for (const text of forbidden) {
      copy.add("src/collection/trespass.ts", `// Test.\n${text}\n`);
      copy.fails(types, /src\/collection\/trespass\.ts.*error TS6(307|059)/);
    }
  });

  test("fails for a forbidden import of node: or of a package", () => {
    copy.add("src/collection/reader.ts", '// Test.\nexport { readFileSync } from "node:fs";\n');
    copy.add("src/collection/lazy.ts", '// Test.\nexport const yaml = () => import("yaml");\n');
    copy.fails(walls, /src\/collection\/reader\.ts: src\/collection may not import node:fs/);
    copy.fails(walls, /src\/collection\/lazy\.ts: src\/collection may not import yaml/);
    copy.fails(types, /src\/collection\/reader\.ts.*error TS2/);
  });

  test("fails for a wall that differs from the table, and for a folder without one", () => {
    copy.add("src/attic/box.ts", "// Test.\nexport const box = 1;\n");
    copy.fails(walls, /src\/attic is missing in the table/);
    copy.undo();
    const wall = readFileSync(join(copy.folder, "src/collection/tsconfig.json"), "utf8");
    const hole = wall.replace('"../../src/kernel"', '"../../src/kernel" }, { "path": "../../src/identity"');
    assert.notEqual(hole, wall);
    copy.write("src/collection/tsconfig.json", hole);
    copy.fails(walls, /src\/collection\/tsconfig\.json differs from the table/);
    copy.write("src/collection/tsconfig.json", wall);
  });

  test("fails for a cycle, of values and of types", () => {
    copy.add("src/contract/hen.ts", '// Test.\nimport { egg } from "./egg.ts";\n\nexport const hen = () => egg;\n');
    copy.add("src/contract/egg.ts", '// Test.\nimport { hen } from "./hen.ts";\n\nexport const egg = () => hen;\n');
    copy.fails(lint, /src\/contract\/egg\.ts.*lint\/suspicious\/noImportCycles/);
    copy.add("src/contract/hen.ts", '// Test.\nimport type { Egg } from "./egg.ts";\n\nexport type Hen = Egg[];\n');
    copy.add("src/contract/egg.ts", '// Test.\nimport type { Hen } from "./hen.ts";\n\nexport type Egg = Hen[];\n');
    copy.fails(lint, /src\/contract\/egg\.ts.*lint\/suspicious\/noImportCycles/);
  });

  test("fails for an unformatted file", () => {
    copy.add("src/contract/ragged.ts", "// Test.\nexport const ragged   = [ 1,2 ]\n");
    copy.fails(lint, /src\/contract\/ragged\.ts format/);
  });

  test("fails for an import of output", () => {
    copy.add("src/contract/output.ts", '// Test.\nexport { hen } from "../../dist/hen.ts";\n');
    copy.fails(lint, /src\/contract\/output\.ts.*noRestrictedImports/);
  });

  test("fails for time and processes that do not come from outside", () => {
    copy.add("src/contract/timer.ts", "// Test.\nsetTimeout(() => process.exit(), 1);\n");
    copy.fails(lint, /src\/contract\/timer\.ts.*noRestrictedGlobals/);
  });
});

suite("npm run check, the unit test of docs/errors.md", () => {
  const file = "test/unit/errors-doc.test.ts";
  const copy = new Copy(["src", "docs", file, "scripts/errors-doc.ts", "package.json"]);
  after(() => copy.remove());

  test("fails for an undocumented error code", () => {
    const line = `$node --test --test-reporter=spec '${file}'`;
    const globs = [...lineOf("--test ").matchAll(/'([^']+)'/g)].map((match) => match[1] ?? "");
    assert.ok(globs.some((glob) => matchesGlob(file, glob)));
    copy.passes(line);
    copy.passes("$node scripts/errors-doc.ts --check");
    const errors = readFileSync(join(copy.folder, "src/kernel/errors.ts"), "utf8");
    const kind = 'secret: { code: "LAT4099", meaning: "Nobody was told of this.", remedy: "Look." },';
    copy.write("src/kernel/errors.ts", errors.replace("defineErrors({", `defineErrors({ ${kind}`));
    copy.fails(line, /LAT4099/);
    copy.fails("$node scripts/errors-doc.ts --check", /docs\/errors\.md differs/);
  });
});
