import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { workloadSpiffeId } from "../identity/spiffe-id.ts";
import { parseTrustDomain } from "../identity/trust-domain.ts";
import { runCommand } from "../kernel/command.ts";
import { type AuthorityBed, authorityBed, newRequest } from "./authority.fake.ts";
import { openAuthority } from "./authority.ts";

const dayMs = 86_400_000;
let bed: AuthorityBed;
const file = (name: string): string => join(bed.options.dataFolder, "ca", name);

beforeEach(() => {
  bed = authorityBed();
});
afterEach(() => bed.dispose());

test("a new folder is private, complete, and read again at the next start", async () => {
  const first = await bed.open();
  assert.equal(statSync(join(bed.options.dataFolder, "ca")).mode & 0o777, 0o700);
  const names = readdirSync(join(bed.options.dataFolder, "ca")).sort();
  assert.deepEqual(names, ["api.pem", "issuing.pem", "root-cert.pem", "root-key.pem"]);
  for (const name of names) assert.equal(statSync(file(name)).mode & 0o777, 0o600, name);
  const second = await bed.open();
  assert.equal(second.roots(), first.roots());
  assert.equal(second.pin(), first.pin());
  assert.equal(second.apiRoots(), first.apiRoots());
});

test("A1, C12: wrong rights, links and other sorts of files are refused by name", async () => {
  await bed.open();
  const wrong: [string, () => void, RegExp][] = [
    ["key readable by the group", () => chmodSync(file("root-key.pem"), 0o640), /root-key\.pem has the rights 0640/],
    ["file readable by others", () => chmodSync(file("issuing.pem"), 0o604), /issuing\.pem has the rights/],
    ["folder open", () => chmodSync(join(bed.options.dataFolder, "ca"), 0o755), /ca has the rights 0755/],
    ["hard link", () => linkSync(file("api.pem"), join(bed.options.dataFolder, "copy")), /api\.pem has other names/],
    [
      "symbolic link",
      () => swap("issuing.pem", (path, moved) => symlinkSync(moved, path)),
      /issuing\.pem cannot be opened/,
    ],
    [
      "folder",
      () => swap("root-key.pem", (path) => mkdirSync(path, { mode: 0o700 })),
      /root-key\.pem is not a plain file/,
    ],
    ["FIFO", () => swap("root-key.pem", () => {}), /root-key\.pem is not a plain file/],
  ];
  const kept = join(bed.options.dataFolder, "kept");
  await runCommand("cp", ["-a", join(bed.options.dataFolder, "ca"), kept]);
  for (const [name, damage, message] of wrong) {
    damage();
    if (name === "FIFO") await runCommand("mkfifo", ["-m", "0600", file("root-key.pem")]);
    await assert.rejects(bed.open(), { code: "LAT3101", message }, name);
    rmSync(join(bed.options.dataFolder, "ca"), { recursive: true });
    rmSync(join(bed.options.dataFolder, "copy"), { force: true });
    rmSync(join(bed.options.dataFolder, "moved"), { recursive: true, force: true });
    await runCommand("cp", ["-a", kept, join(bed.options.dataFolder, "ca")]);
  }
  await bed.open();
});

function swap(name: string, put: (path: string, moved: string) => void): void {
  const moved = join(bed.options.dataFolder, "moved");
  renameSync(file(name), moved);
  put(file(name), moved);
}

test("A1: files of another user are refused", async () => {
  await bed.open();
  const uid = (bed.options.uid ?? 0) + 1;
  await assert.rejects(openAuthority({ ...bed.options, uid }), { code: "LAT3101", message: /belongs to user/ });
});

test("A1: a umask of 0 does not open the files", async () => {
  const before = process.umask(0);
  try {
    await bed.open();
  } finally {
    process.umask(before);
  }
  assert.equal(statSync(join(bed.options.dataFolder, "ca")).mode & 0o777, 0o700);
  for (const name of readdirSync(join(bed.options.dataFolder, "ca")))
    assert.equal(statSync(file(name)).mode & 0o777, 0o600);
});

test("C12: missing, cut off, mixed up and foreign files are refused, and nothing is replaced", async () => {
  await bed.open();
  const other = authorityBed();
  await other.open();
  const foreign = (name: string): string => readFileSync(join(other.options.dataFolder, "ca", name), "utf8");
  const wrong: [string, () => void][] = [
    ["issuing missing", () => rmSync(file("issuing.pem"))],
    ["root missing", () => rmSync(file("root-cert.pem"))],
    ["API missing", () => rmSync(file("api.pem"))],
    ["root cut off", () => truncateSync(file("root-cert.pem"), 200)],
    ["root key empty", () => truncateSync(file("root-key.pem"), 0)],
    ["issuing cut off", () => truncateSync(file("issuing.pem"), 800)],
    ["issuing without key", () => writeFileSync(file("issuing.pem"), readFileSync(file("root-cert.pem")))],
    ["root key of another", () => writeFileSync(file("root-key.pem"), foreign("root-key.pem"))],
    ["root of another", () => writeFileSync(file("root-cert.pem"), foreign("root-cert.pem"))],
    ["issuing of another", () => writeFileSync(file("issuing.pem"), foreign("issuing.pem"))],
    [
      "issuing certificate with another key",
      () => {
        const own = readFileSync(file("issuing.pem"), "utf8");
        const theirs = foreign("issuing.pem");
        const at = "-----BEGIN PRIVATE KEY";
        writeFileSync(file("issuing.pem"), own.slice(0, own.indexOf(at)) + theirs.slice(theirs.indexOf(at)));
      },
    ],
    ["huge", () => writeFileSync(file("api.pem"), "x".repeat(300_000))],
    [
      "garbage key",
      () => writeFileSync(file("root-key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    ],
  ];
  const kept = join(bed.options.dataFolder, "kept");
  const folder = join(bed.options.dataFolder, "ca");
  await runCommand("cp", ["-a", folder, kept]);
  for (const [name, damage] of wrong) {
    damage();
    const before = readdirSync(folder).map((entry) => [entry, readFileSync(join(folder, entry), "utf8")]);
    await assert.rejects(bed.open(), { code: "LAT3102" }, name);
    assert.deepEqual(
      readdirSync(folder).map((entry) => [entry, readFileSync(join(folder, entry), "utf8")]),
      before,
    );
    rmSync(folder, { recursive: true });
    await runCommand("cp", ["-a", kept, folder]);
  }
  await other.dispose();
});

test("F28: the authority of another trust domain is not taken over", async () => {
  await bed.open();
  const trustDomain = parseTrustDomain("other.example");
  await assert.rejects(openAuthority({ ...bed.options, trustDomain }), { code: "LAT3102", message: /cluster\.local/ });
});

test("C12: a start that was cut off leaves nothing that counts, and its rest is removed", async () => {
  const rest = join(bed.options.dataFolder, "ca.new-0123456789abcdef");
  mkdirSync(rest, { recursive: true });
  writeFileSync(join(rest, "root-key.pem"), "half");
  await bed.open();
  assert.ok(!existsSync(rest));
});

test("the issuing authority is renewed in the second half of its life, with a new key", async () => {
  const authority = await bed.open();
  const id = workloadSpiffeId(authority.trustDomain, "shop", "reviews");
  const before = await authority.signWorkload(await newRequest(), id);
  await bed.options.clock.advance(184 * dayMs);
  await authority.stop(); // waits for the renewal
  const after = await authority.signWorkload(await newRequest(), id);
  assert.notEqual(after.chain[1], before.chain[1]);
  assert.equal(after.roots, before.roots);
  assert.ok(after.notAfterMs > before.notAfterMs);
  const again = await bed.open();
  const next = await again.signWorkload(await newRequest(), id);
  assert.equal(next.chain[1], after.chain[1]);
  assert.deepEqual(
    readdirSync(join(bed.options.dataFolder, "ca")).filter((name) => name.startsWith(".")),
    [],
  );
});

test("with the root's key kept elsewhere the mesh goes on until the issuing certificate ends", async () => {
  await (await bed.open()).stop();
  rmSync(file("root-key.pem"));
  const authority = await bed.open({ workloadLifetimeMs: 90 * dayMs });
  const id = workloadSpiffeId(authority.trustDomain, "shop", "reviews");
  await bed.options.clock.advance(300 * dayMs);
  const issued = await authority.signWorkload(await newRequest(), id);
  assert.equal(issued.notAfterMs, bed.options.clock.now() + 65 * dayMs, "cut to its issuer's end");
  assert.ok(bed.lines.some((line) => line.level === "error" && /could not be renewed/.test(line.msg)));
  await bed.options.clock.advance(66 * dayMs);
  await assert.rejects(authority.signWorkload(await newRequest(), id), { code: "LAT3103" });
  await assert.rejects(bed.open(), { code: "LAT3103", message: /root's key is not here/ });
});

test("an issuing certificate that ended while the control plane was off is replaced at the start", async () => {
  const first = await bed.open();
  await first.stop();
  await bed.options.clock.advance(400 * dayMs);
  const authority = await bed.open();
  const id = workloadSpiffeId(authority.trustDomain, "shop", "reviews");
  assert.ok((await authority.signWorkload(await newRequest(), id)).notAfterMs > bed.options.clock.now());
});

test("the log warns when the root nears its end", async () => {
  const authority = await bed.open();
  await authority.stop();
  await bed.options.clock.advance(3000 * dayMs);
  await bed.open();
  assert.ok(bed.lines.some((line) => line.level === "warn" && /root certificate nears its end/.test(line.msg)));
});

test("openssl agrees with the chain", async (context) => {
  const authority = await bed.open();
  const present = await runCommand("openssl", ["version"]).then(
    () => true,
    () => false,
  );
  if (!present) return context.skip("openssl is not installed");
  const id = workloadSpiffeId(authority.trustDomain, "shop", "reviews");
  const issued = await authority.signWorkload(await newRequest(), id);
  const leaf = join(bed.options.dataFolder, "leaf.pem");
  const issuing = join(bed.options.dataFolder, "issuing-cert.pem");
  writeFileSync(leaf, issued.chain[0] as string);
  writeFileSync(issuing, issued.chain[1] as string);
  const at = Math.floor(bed.options.clock.now() / 1000);
  const purpose = (name: string): Promise<unknown> =>
    runCommand("openssl", [
      ...["verify", "-x509_strict", "-attime", String(at), "-purpose", name],
      ...["-CAfile", file("root-cert.pem"), "-untrusted", issuing, leaf],
    ]);
  await purpose("sslserver");
  await purpose("sslclient");
});
