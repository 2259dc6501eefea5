import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import type { JoinOptions, UpOptions } from "./cli-deps.ts";
import { commandTable } from "./command-table.ts";
import { run } from "./run.fake.ts";

/** An action that keeps its options. */
function recorder<T>(status = 0): { seen: T[]; action: () => Promise<(options: T) => Promise<number>> } {
  const seen: T[] = [];
  return {
    seen,
    action: async () => async (options) => {
      seen.push(options);
      return status;
    },
  };
}

const token = `lateen1.abcdefghij.${"A".repeat(43)}.${"A".repeat(43)}`;

describe("runCli", () => {
  test("without a command it shows the commands", async () => {
    const { status, stdout, stderr } = await run([]);
    assert.equal(status, 0);
    assert.equal(stderr, "");
    for (const { name } of commandTable) assert.match(stdout, new RegExp(`^  ${name}\\b`, "m"));
    assert.equal((await run(["--help"])).stdout, stdout);
    assert.equal((await run(["help"])).stdout, stdout);
  });

  test("every command has help with an example, by --help, -h and help COMMAND", async () => {
    for (const { name, aliases } of commandTable) {
      const { status, stdout } = await run([name, "--help"]);
      assert.equal(status, 0, name);
      assert.match(stdout, new RegExp(`^Usage: lateen ${name}\\b`), name);
      assert.match(stdout, /Examples?:\n.*lateen/s, name);
      assert.equal((await run([name, "-h"])).stdout, stdout);
      assert.equal((await run(["help", name])).stdout, stdout);
      for (const alias of aliases) assert.equal((await run([alias, "--help"])).stdout, stdout);
    }
  });

  test("every subcommand has help with an example", async () => {
    const paths = [
      ...["create", "list"].map((name) => ["token", name]),
      ...["cluster", "listener", "route", "endpoint", "secret", "log", "bootstrap", "all"].map((name) => ["pc", name]),
    ];
    for (const path of paths) {
      const { status, stdout } = await run([...path, "--help"]);
      assert.equal(status, 0, path.join(" "));
      assert.match(stdout, /Examples?:\n.*lateen/s, path.join(" "));
    }
  });

  test("wrong usage exits 2 and says what to do", async () => {
    assert.deepEqual(await run(["gett", "vs"]), {
      status: 2,
      stdout: "",
      stderr: 'error LAT9001: unknown command "gett"\n  Did you mean get?\n',
    });
    assert.deepEqual(await run(["get"]), {
      status: 2,
      stdout: "",
      stderr:
        "error LAT9001: missing required argument 'kind'\nRun 'lateen get --help' for its flags and an example.\n",
    });
    for (const argv of [
      ["get", "vs", "-o", "xml"],
      ["get", "--nope"],
      ["up", "--xds-port", "65536"],
      ["--nope"],
      ["completion", "csh"],
      ["token"],
    ]) {
      const { status, stdout, stderr } = await run(argv);
      assert.equal(status, 2, argv.join(" "));
      assert.equal(stdout, "", argv.join(" "));
      assert.notEqual(stderr, "", argv.join(" "));
    }
  });

  test("up reads every flag", async () => {
    const up = recorder<UpOptions>(1);
    const argv =
      "up --data-dir /d --config-dir a --config-dir b --mesh-config m.yaml --listen 10.0.0.1 --api-listen 10.0.0.2 --advertise x --advertise 10.0.0.1 --xds-port 0 --api-port 1 --metrics-port 2 --workload-cert-ttl 1h --xds-plaintext [::1]:15010";
    const { status } = await run(argv.split(" "), { actions: { up: up.action } });
    assert.equal(status, 1);
    assert.deepEqual(up.seen, [
      {
        dataDir: "/d",
        configDirs: ["a", "b"],
        meshConfig: "m.yaml",
        listen: "10.0.0.1",
        apiListen: "10.0.0.2",
        advertise: ["x", "10.0.0.1"],
        xdsPort: 0,
        apiPort: 1,
        metricsPort: 2,
        workloadCertTtl: 3_600_000,
        xdsPlaintext: { host: "::1", port: 15010 },
      },
    ]);
  });

  test("join reads the address and takes the token from flag, file, pipe or environment", async () => {
    const ways: { argv: string[]; env?: Record<string, string>; stdin?: string }[] = [
      { argv: ["--token", token] },
      { argv: ["--token-file", "-"], stdin: `${token}\n` },
      { argv: [], env: { LATEEN_TOKEN: token } },
    ];
    for (const { argv, ...options } of ways) {
      const join = recorder<JoinOptions>();
      const ran = await run(["join", "https://cp.example.com", "--name", "vm-1", "--foreground", ...argv], {
        ...options,
        actions: { join: join.action },
      });
      assert.deepEqual(ran, { status: 0, stdout: "", stderr: "" });
      const [seen] = join.seen;
      assert.equal(seen?.url.href, "https://cp.example.com:15012/");
      assert.equal(seen?.token.reveal(), token);
      assert.equal(seen?.name, "vm-1");
      assert.equal(seen?.foreground, true);
    }
  });

  test("join refuses what cannot be an address, a token or a name before anything is done, and never prints the token", async () => {
    const secret = token.replace("A".repeat(43), "B".repeat(42));
    const cases = [
      ["join", "http://cp:15012", "--token", token],
      ["join", "https://u:p@cp", "--token", token],
      ["join", "https://cp/path", "--token", token],
      ["join", "https://cp", "--token", secret],
      ["join", "https://cp", "--token", token, "--name", "VM_1"],
      ["join", "https://cp", "--token", token, "--name", "vm.example.com"],
      ["join", "https://cp", "--token", token, "--name", "x".repeat(64)],
      ["join", "https://cp"],
      ["join"],
    ];
    for (const argv of cases) {
      const { status, stderr } = await run(argv);
      assert.equal(status, 2, argv.join(" "));
      assert.doesNotMatch(stderr, /BBBB/);
    }
    assert.match((await run(["join", "https://cp"])).stderr, /lateen token create --group NAMESPACE\/NAME/);
  });

  test("agent and leave take their data folder", async () => {
    const agent = recorder<object>();
    const leave = recorder<object>();
    await run(["agent", "--data-dir", "/a", "--envoy", "/e"], { actions: { agent: agent.action } });
    await run(["leave"], { actions: { leave: leave.action } });
    assert.deepEqual(agent.seen, [{ dataDir: "/a", envoy: "/e" }]);
    assert.deepEqual(leave.seen, [{ dataDir: "/var/lib/lateen/agent" }]);
  });

  test("an unexpected error is one sentence, no stack", async () => {
    const up = async (): Promise<never> => {
      throw new TypeError("broken");
    };
    const { status, stderr } = await run(["up"], { actions: { up } });
    assert.equal(status, 1);
    assert.equal(stderr, "error: broken\n  This is a fault of lateen; LATEEN_DEBUG=1 shows where it happened.\n");
    const debug = await run(["up"], { actions: { up }, env: { LATEEN_DEBUG: "1" } });
    assert.match(debug.stderr, /run-cli\.test\.ts/);
  });

  test("no command line of words makes it throw", async () => {
    const word = fc.oneof(
      fc.constantFrom(
        ...commandTable.map((entry) => entry.name),
        "help",
        "-n",
        "-o",
        "json",
        "-f",
        "-",
        "--",
        "=",
        "-A",
      ),
      fc.string({ maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), async (argv) => {
        const done = recorder<unknown>();
        const actions = { up: done.action, join: done.action, agent: done.action, leave: done.action };
        const { status, stderr } = await run(argv, { actions, env: { LATEEN_KUBECONFIG: "/nonexistent" } });
        assert.ok([0, 1, 2].includes(status), `${status}`);
        assert.doesNotMatch(stderr, /fault of lateen/);
      }),
      { numRuns: 300 },
    );
  });

  test("version --client loads neither schemas, YAML nor HTTPS", async () => {
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
      const { runCli } = await import(${JSON.stringify(new URL("run-cli.ts", import.meta.url).href)});
      const sink = { write() {} };
      const status = await runCli(["version", "--client"], { stdout: sink, stderr: sink, env: {}, version: "1" });
      console.log(JSON.stringify({ status, loaded }));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    const { status, loaded } = JSON.parse(stdout) as { status: number; loaded: string[] };
    assert.equal(status, 0);
    const heavy = loaded.filter((url) =>
      /typebox|\/yaml\/|node:https|config\/(kinds|validate|schema)|commands\/(?!version)/.test(url),
    );
    assert.deepEqual(heavy, []);
  });
});
