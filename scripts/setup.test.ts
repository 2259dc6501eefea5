// The shell scripts that set up a clone, with stand-ins for the programs that they call.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";

const scripts = import.meta.dirname;

let root = "";
/** What the stand-ins were called with, one line each. */
const calls = (): string[] => {
  const path = join(root, "calls");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
};
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const program = (path: string, text: string): void => {
  write(path, `#!/bin/sh\necho "$(basename "$0") $*" >>"${root}/calls"\n${text}\n`);
  chmodSync(join(root, path), 0o755);
};
const run = (...args: string[]) =>
  spawnSync("sh", args, { encoding: "utf8", env: { PATH: `${join(root, "bin")}:/usr/bin:/bin` } });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lateen-scripts-"));
});
afterEach(() => rmSync(root, { recursive: true }));

suite("packages.sh", () => {
  const packages = join(scripts, "packages.sh");

  test("does nothing where all commands are there", () => {
    program("bin/apt-get", "exit 1");
    assert.equal(run(packages, "sh=dash", "ls=coreutils").status, 0);
    assert.deepEqual(calls(), []);
  });

  test("installs exactly what is missing, as root", () => {
    program("bin/id", "echo 0");
    program("bin/apt-get", "");
    const { status, stderr } = run(packages, "sh=dash", "lt-none=one", "lt-nought=two");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /installing Debian packages: one two/);
    const install = calls().find((call) => call.includes(" install ")) ?? "";
    assert.match(install, / one two$/);
  });

  test("names what is missing where it may not install, and fails", () => {
    program("bin/id", "echo 1000");
    program("bin/apt-get", "");
    const { status, stderr } = run(packages, "lt-none=one");
    assert.equal(status, 1);
    assert.match(stderr, /cannot be installed here: one/);
    assert.ok(!calls().some((call) => call.startsWith("apt-get")));
  });

  test("fails where apt fails", () => {
    program("bin/id", "echo 0");
    program("bin/apt-get", "exit 100");
    assert.notEqual(run(packages, "lt-none=one").status, 0);
  });
});

suite("gen.sh", () => {
  const gen = (): ReturnType<typeof run> => run(join(root, "scripts/gen.sh"), root);

  beforeEach(() => {
    cpSync(join(scripts, "gen.sh"), join(root, "scripts/gen.sh"));
    write("scripts/gen/gen.ts", "");
    write("proto/a.proto", "one");
    write("ARCHITECTURE.md", "");
    mkdirSync(join(root, "gen"));
    program("node_modules/.bin/node", `[ ! -e "${root}/broken" ]`);
  });

  test("makes gen/ and the walls at first, and nothing more while nothing changes", () => {
    assert.equal(gen().status, 0);
    assert.equal(gen().status, 0);
    assert.deepEqual(calls(), [`node ${root}/scripts/gen/gen.ts`, `node ${root}/scripts/walls.ts`]);
  });

  for (const path of ["proto/a.proto", "proto/b.proto", "scripts/gen/gen.ts", "ARCHITECTURE.md"]) {
    test(`makes it again after a change of ${path}`, () => {
      gen();
      write(path, "two");
      gen();
      assert.equal(calls().length, 4);
    });
  }

  test("fails where making fails, and tries again", () => {
    write("broken", "");
    assert.notEqual(gen().status, 0);
    rmSync(join(root, "broken"));
    assert.equal(gen().status, 0);
    assert.ok(existsSync(join(root, "gen/.stamp")));
  });
});

suite("setup.sh", () => {
  const setup = (): ReturnType<typeof run> => run(join(root, "scripts/setup.sh"));
  const age = (path: string, seconds: number): void => utimesSync(join(root, path), seconds, seconds);

  beforeEach(() => {
    cpSync(join(scripts, "setup.sh"), join(root, "scripts/setup.sh"));
    program("scripts/gen.sh", "");
    program("bin/npm", `mkdir -p "${root}/node_modules"; : >"${root}/node_modules/.package-lock.json"`);
    program("node_modules/.bin/node", "");
    write("package-lock.json", "{}");
  });

  test("installs packages in a fresh clone, once", () => {
    assert.equal(setup().status, 0);
    age("package-lock.json", 1_000);
    assert.equal(setup().status, 0);
    assert.equal(calls().filter((call) => call.startsWith("npm ci")).length, 1);
    assert.equal(calls().filter((call) => call.startsWith("gen.sh")).length, 2);
  });

  test("installs them again after a change of the lock file", () => {
    write("node_modules/.package-lock.json", "{}");
    age("node_modules/.package-lock.json", 1_000);
    assert.equal(setup().status, 0);
    assert.ok(calls().some((call) => call.startsWith("npm ci")));
  });

  test("says so in one sentence where packages cannot be had", () => {
    program("bin/npm", "exit 1");
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.match(stderr, /npm ci failed: .*configured registry/);
  });

  test("says so where the pinned Node does not run", () => {
    program("node_modules/.bin/node", "exit 126");
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.match(stderr, /the pinned Node does not run here/);
  });
});

suite("setup.sh", () => {
  test("installs what the pinned Node lacks on a small Debian, as root", () => {
    for (const file of ["setup.sh", "packages.sh"]) cpSync(join(scripts, file), join(root, "scripts", file));
    write("scripts/gen.sh", "");
    write("package-lock.json", "{}");
    write("node_modules/.package-lock.json", "{}");
    program("bin/id", "echo 0");
    program("bin/apt-get", `[ "$1" = update ] || touch "${root}/libatomic"`);
    program(
      "node_modules/.bin/node",
      `[ -e "${root}/libatomic" ] && echo v26 || { echo "libatomic.so.1: cannot open shared object file" >&2; exit 127; }`,
    );
    const { status, stderr } = run(join(root, "scripts/setup.sh"));
    assert.equal(status, 0, stderr);
    assert.match(stderr, /installing Debian packages: libatomic1/);
  });
});
