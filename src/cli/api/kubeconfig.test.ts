import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { LateenError } from "../../kernel/error.ts";
import { findKubeconfig } from "./find-kubeconfig.ts";
import { readKubeconfig } from "./kubeconfig.ts";

const pem = Buffer.from("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n").toString("base64");
const full = `
apiVersion: v1
kind: Config
current-context: admin@mesh
clusters:
- name: mesh
  cluster:
    server: https://10.0.0.5:15013
    certificate-authority-data: ${pem}
    tls-server-name: mesh.example.com
- name: other
  cluster: {server: "https://other:15013"}
users:
- name: admin
  user: {client-certificate-data: ${pem}, client-key-data: ${pem}}
- name: robot
  user: {tokenFile: token}
contexts:
- name: admin@mesh
  context: {cluster: mesh, user: admin, namespace: shop}
- name: robot@other
  context: {cluster: other, user: robot}
`;

function read(text: string, context?: string) {
  return readKubeconfig([{ path: "/etc/k/config", text }], context);
}

function refusal(text: string, context?: string): string {
  try {
    read(text, context);
  } catch (error) {
    assert.ok(error instanceof LateenError, String(error));
    assert.equal(error.code, "LAT9003");
    return `${error.message} | ${error.remedy}`;
  }
  return assert.fail("it should be refused");
}

describe("readKubeconfig", () => {
  test("the current context: server, authority, certificate, namespace", () => {
    const access = read(full);
    assert.equal(access.server.href, "https://10.0.0.5:15013/");
    assert.equal(access.tlsServerName, "mesh.example.com");
    assert.equal(access.namespace, "shop");
    assert.ok(access.authority !== undefined && "inline" in access.authority);
    assert.match(access.authority.inline, /^-----BEGIN CERTIFICATE/);
    assert.ok(access.clientKey !== undefined);
    assert.equal(JSON.stringify(access.clientKey), '"[redacted]"');
  });

  test("another context by name; files are beside the kubeconfig", () => {
    const access = read(full, "robot@other");
    assert.equal(access.server.hostname, "other");
    assert.deepEqual(access.token?.reveal(), { file: "/etc/k/token" });
    assert.equal(access.clientCertificate, undefined);
    assert.match(refusal(full, "nope"), /no context "nope" \| Name one of admin@mesh, robot@other/);
  });

  test("several files are merged, the first wins", () => {
    const first = { path: "/a", text: "contexts: [{name: c, context: {cluster: mesh, user: u}}]\ncurrent-context: c" };
    const second = {
      path: "/b/x",
      text: "clusters: [{name: mesh, cluster: {server: 'https://one'}}]\nusers: [{name: u, user: {token: t}}]",
    };
    const third = {
      path: "/c",
      text: "clusters: [{name: mesh, cluster: {server: 'https://two'}}]\ncurrent-context: z",
    };
    const access = readKubeconfig([first, second, third]);
    assert.equal(access.server.hostname, "one");
    assert.deepEqual(access.token?.reveal(), { inline: "t" });
  });

  test("what would run programs, skip verification or send secrets in the clear is refused", () => {
    const swap = (from: string, to: string): string => full.replace(from, to);
    const key = `client-certificate-data: ${pem}, client-key-data: ${pem}`;
    assert.match(refusal(swap(key, "exec: {command: evil}")), /exec is not supported; lateen runs no program/);
    assert.match(refusal(swap(key, "auth-provider: {name: x}")), /auth-provider is not supported/);
    assert.match(refusal(swap(key, "username: a, password: b")), /username is not supported/);
    assert.match(
      refusal(swap("tls-server-name: mesh.example.com", "insecure-skip-tls-verify: true")),
      /type --insecure-skip-tls-verify/,
    );
    assert.match(
      refusal(swap("tls-server-name: mesh.example.com", "proxy-url: http://p")),
      /proxy-url is not supported/,
    );
    assert.match(
      refusal(swap("https://10.0.0.5:15013", "http://10.0.0.5:15013")),
      /not an https:\/\/ address \| Plain http is for loopback only/,
    );
    assert.match(refusal(swap("https://10.0.0.5:15013", "https://u:p@10.0.0.5")), /must not hold a password/);
    assert.match(refusal(swap("https://10.0.0.5:15013", "ftp://x")), /not an https/);
    assert.match(refusal(swap(key, `client-certificate-data: ${pem}`)), /must be given together/);
    assert.match(refusal(swap(key, "client-certificate-data: AAAA, client-key-data: AAAA")), /not base64 of PEM/);
  });

  test("damage is told without repeating the file", () => {
    const error = refusal(`users: [{name: u, user: {token: SECRET}]\n  :`);
    assert.match(error, /is not valid YAML/);
    assert.doesNotMatch(error, /SECRET/);
    assert.match(refusal("[]"), /must be a map/);
    assert.match(refusal(""), /must be a map/);
    assert.match(refusal("a: &a [x]\nclusters: *a"), /is not valid YAML/);
    assert.match(
      refusal("clusters: 5\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: m}}]"),
      /clusters must be a list/,
    );
    assert.match(refusal(`x: ${"y".repeat(1 << 20)}`), /longer than/);
  });

  test("no text makes it throw anything else", () => {
    const lines = full.split("\n");
    const word = fc.oneof(
      fc.constantFrom(
        "name",
        "cluster",
        "user",
        "server",
        "context",
        "https://x",
        "-",
        ":",
        "{",
        "}",
        "[",
        "&a",
        "*a",
        "!!js",
        "|",
        "null",
        "current-context",
      ),
      fc.string({ maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.nat(30), fc.array(word, { maxLength: 4 }), (at, column, words) => {
        const line = lines[at] ?? "";
        const text = [
          ...lines.slice(0, at),
          line.slice(0, column) + words.join(" ") + line.slice(column + words.length),
          ...lines.slice(at + 1),
        ].join("\n");
        try {
          read(text);
        } catch (error) {
          assert.ok(error instanceof LateenError && error.code === "LAT9003", `${String(error)}\n${text}`);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("findKubeconfig", () => {
  const folder = mkdtempSync(join(tmpdir(), "lateen-kubeconfig-"));
  after(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  for (const name of ["flag", "own", "shared", "admin.kubeconfig"]) writeFileSync(path(name), name);
  const found = (...[flags, env]: Parameters<typeof findKubeconfig>): string[] =>
    findKubeconfig(flags, env).map((file) => file.text);

  test("flags before variables, Lateen's variable before Kubernetes'", () => {
    const env = { LATEEN_KUBECONFIG: path("own"), KUBECONFIG: path("shared") };
    assert.deepEqual(found({ kubeconfig: path("flag"), dataDir: folder }, env), ["flag"]);
    assert.deepEqual(found({ dataDir: folder }, env), ["admin.kubeconfig"]);
    assert.deepEqual(found({}, env), ["own"]);
    assert.deepEqual(found({}, { KUBECONFIG: [path("none"), path("shared"), path("own")].join(delimiter) }), [
      "shared",
      "own",
    ]);
  });

  test("a file that is not there is named", () => {
    for (const [flags, env] of [
      [{ kubeconfig: path("none") }, {}],
      [{ dataDir: path("none") }, {}],
      [{}, { LATEEN_KUBECONFIG: path("none") }],
      [{}, { KUBECONFIG: path("none") }],
    ] as const) {
      assert.throws(
        () => findKubeconfig(flags, env),
        (error) => error instanceof LateenError && error.code === "LAT9002" && error.message.includes("none"),
      );
    }
    assert.throws(
      () => findKubeconfig({ kubeconfig: folder }, {}),
      (error) => error instanceof LateenError && error.code === "LAT9002",
    );
  });
});
