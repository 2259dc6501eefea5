// Whoever runs a control plane can stop it at any moment, and is told the cause of what does not work.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ControlPlaneRun, lateenPath, runLateen } from "../kit/control-plane-run.ts";
import { workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import { startProgram } from "../kit/program.ts";

/** A watchdog for programs that do not end, milliseconds. */
const endMs = 20_000;
const freePorts = ["--listen", "127.0.0.1", "--xds-port", "0", "--api-port", "0", "--metrics-port", "0"];

describe("lateen up", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "lateen-operator-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("ends when it is told to before it is ready", async () => {
    const program = startProgram(lateenPath, ["up", "--data-dir", join(folder, "early"), ...freePorts]);
    const watchdog = setTimeout(() => program.kill("SIGKILL"), endMs);
    await program.line(/made a new certificate authority/);
    process.kill(program.pid, "SIGTERM");
    assert.equal(await program.ended, 0);
    clearTimeout(watchdog);
    assert.ok(!program.lines.some((line) => line.startsWith("ready ")), program.lines.join("\n"));
  });

  const mistakes: [what: string, flags: string[], says: RegExp][] = [
    [
      "a MeshConfig that is not there",
      ["--mesh-config", "/nosuch.yaml"],
      /^error LAT1201: \/nosuch\.yaml cannot be read/m,
    ],
    [
      "a data folder that cannot be",
      ["--data-dir", "/proc/lateen"],
      /^error LAT5007: \/proc\/lateen\S+ cannot be used: its/m,
    ],
    [
      "an address that is not this host's",
      ["--listen", "192.0.2.1"],
      /^error LAT2109: .*: this host has no such address/m,
    ],
    ["no address", ["--listen", "foo.invalid"], /^error LAT2109: cannot listen on foo\.invalid:/m],
  ];
  for (const [index, [what, flags, says]] of mistakes.entries()) {
    it(`names ${what} and what to do`, async () => {
      const { status, stderr } = await runLateen([
        "up",
        "--data-dir",
        join(folder, `${index}`),
        ...freePorts,
        ...flags,
      ]);
      assert.equal(status, 1);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /fault of lateen/);
    });
  }
});

describe("the configuration API", () => {
  const run = new ControlPlaneRun();
  after(() => run.stop());

  it("is reached from elsewhere with the kubeconfig alone, where the operator opens it", async () => {
    const { api } = await run.up("--api-listen", "127.0.0.2");
    assert.match(api, /^https:\/\/127\.0\.0\.2:\d+$/);
    assert.ok(readFileSync(run.kubeconfig, "utf8").includes(api));
    const { status, stdout } = await run.lateen("get", "namespaces");
    assert.equal(status, 0);
    assert.match(stdout, /^default /m);
  });

  it("takes a join token back", async () => {
    writeFileSync(join(run.configDir, "group.yaml"), workloadGroup("web"));
    const made = await eventually(async () => {
      const ran = await run.lateen("token", "create", "--group", "shop/web");
      assert.equal(ran.status, 0, ran.stderr);
      return ran;
    });
    const id = /^Token (\w+): /.exec(made.stderr)?.[1] ?? "";
    assert.ok(made.stderr.includes(`lateen join ${run.addresses.xds} --token`), made.stderr);
    assert.match((await run.lateen("token", "list")).stdout, new RegExp(`^${id} `, "m"));
    assert.deepEqual(await run.lateen("token", "delete", id), {
      ...{ status: 0, stdout: `token "${id}" deleted\n`, stderr: "" },
    });
    assert.equal((await run.lateen("token", "list")).stderr, "No tokens found.\n");
    const again = await run.lateen("token", "delete", id);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /there is no join token/);
  });
});

describe("an object with problems", () => {
  const run = new ControlPlaneRun();
  after(() => run.stop());
  const file = join(run.configDir, "web.yaml");
  const service = (destination: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example]
  http:
    - route:
        - destination: {host: ${destination}}
`;

  it("says so in its description, whether others or its file are at fault", async () => {
    writeFileSync(file, service("gone.example"));
    await run.up();
    const described = async (pattern: RegExp): Promise<void> =>
      eventually(async () => {
        const { stdout } = await run.lateen("describe", "vs", "web", "-n", "shop");
        assert.match(stdout, pattern);
      });
    await described(/Problems:\n {2}warning IST0101 spec\.http\[0\]\.route\[0\]\.destination\.host: /);
    await run.program.line(/web\.yaml:8: warning IST0101/);
    writeFileSync(file, service("[]"));
    await described(/Problems:\n {2}error LAT1\d{3} \S+web\.yaml:8: spec\.http/);
    const { stdout, stderr } = await run.lateen("get", "vs", "-A");
    assert.match(stdout, /^shop +web /m);
    writeFileSync(join(run.configDir, "new.yaml"), service("[]").replace("name: web", "name: new"));
    await run.program.line(/new\.yaml:8: error LAT1/);
    const never = await run.lateen("get", "vs", "new", "-n", "shop");
    assert.equal(never.status, 1);
    assert.match(never.stderr, /^warning: not taken: \S+new\.yaml:8: error LAT1\d{3} VirtualService shop\/new /m);
    assert.match(stderr, /^warning: not taken: \S+web\.yaml:8: error LAT1\d{3} VirtualService shop\/web /m);
  });
});
