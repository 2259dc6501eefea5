import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { debugPath } from "../../contract/paths.ts";
import { FakeApiServer } from "../api/api-server.fake.ts";
import { run } from "../run.fake.ts";
import { completionScript } from "./script.ts";

let server: FakeApiServer;
before(async () => {
  server = await FakeApiServer.start();
  server.put({ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "reviews" } });
  server.put({
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadGroup",
    metadata: { name: "web", namespace: "shop" },
  });
  server.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "prod" } });
  const replies: Record<string, unknown> = {
    "/lateen/v1/proxies": [{ name: "web-1.shop", namespace: "shop" }],
    [debugPath("")]: [{ name: "pushes", usage: "?limit=N" }, { name: "queues" }],
  };
  server.route = ({ path }) => (replies[path] === undefined ? undefined : { body: replies[path] });
});
after(() => server.stop());

async function candidates(...words: string[]): Promise<string[]> {
  const ran = await run(["__complete", ...words], { server });
  assert.equal(ran.status, 0);
  assert.equal(ran.stderr, "");
  return ran.stdout.split("\n").filter((line) => line !== "");
}

describe("completion", () => {
  test("commands, subcommands and flags", async () => {
    assert.deepEqual(await candidates("prox"), ["proxy-status", "proxy-config"]);
    assert.deepEqual(await candidates("pc", "cl"), ["cluster"]);
    assert.deepEqual(await candidates("pc", "cluster", "--fq"), ["--fqdn"]);
    assert.deepEqual(await candidates("get", "--na"), ["--namespace"]);
    assert.deepEqual(await candidates("help", "expl"), ["explain"]);
    assert.ok((await candidates("")).includes("apply"));
    assert.deepEqual(await candidates("completion", ""), ["bash", "zsh", "fish"]);
  });

  test("kinds, and values of flags in every way they are typed", async () => {
    assert.ok((await candidates("get", "virt")).includes("virtualservices"));
    assert.ok((await candidates("explain", "Mesh")).includes("MeshConfig"));
    assert.deepEqual(await candidates("get", "vs", "-o", "y"), ["yaml"]);
    assert.deepEqual(await candidates("get", "vs", "--output", "=", "y"), ["yaml"]);
    assert.deepEqual(await candidates("apply", "--dry-run", "=", ""), ["none", "client", "server"]);
  });

  test("names that the server knows", async () => {
    assert.deepEqual(await candidates("get", "vs", ""), ["reviews"]);
    assert.deepEqual(await candidates("get", "-n", "elsewhere", "vs", ""), []);
    assert.deepEqual(await candidates("get", "-n", "p"), ["prod"]);
    assert.deepEqual(await candidates("token", "create", "--group", ""), ["shop/web"]);
    assert.deepEqual(await candidates("pc", "route", "web"), ["web-1.shop"]);
    assert.deepEqual(await candidates("debug", ""), ["pushes", "queues"]);
  });

  test("where nothing is known the shell offers files, also without a server", async () => {
    assert.deepEqual(await candidates("apply", "-f", "me"), []);
    const ran = await run(["__complete", "get", "vs", ""], { env: { LATEEN_KUBECONFIG: "/nonexistent" } });
    assert.deepEqual(ran, { status: 0, stdout: "", stderr: "" });
  });

  test("no words make it fail", async () => {
    const word = fc.oneof(
      fc.constantFrom("get", "pc", "cluster", "-n", "--output", "=", "vs", "--", "-"),
      fc.string({ maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
        const ran = await run(["__complete", ...words], { env: { LATEEN_KUBECONFIG: "/nonexistent" } });
        assert.equal(ran.status, 0);
        assert.equal(ran.stderr, "");
      }),
      { numRuns: 200 },
    );
  });

  test("the bash script asks the program with the words up to the cursor", (context) => {
    const script = `${completionScript("bash")}
      lateen() { printf '%s ' "$@"; printf '\\n%s\\n' "a b"; }
      COMP_WORDS=(lateen get vs re ignored); COMP_CWORD=3; _lateen; printf '[%s]' "\${COMPREPLY[@]}"`;
    const { stdout, error } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    if (error !== undefined) return context.skip("bash is not installed");
    assert.equal(stdout, "[__complete get vs re ][a b]");
  });

  test("the zsh and fish scripts are valid there", (context) => {
    let tried = 0;
    for (const shell of ["zsh", "fish"] as const) {
      const { error, status, stderr } = spawnSync(shell, ["-n"], { input: completionScript(shell), encoding: "utf8" });
      if (error !== undefined) continue;
      tried += 1;
      assert.equal(status, 0, `${shell}: ${stderr}`);
    }
    if (tried === 0) context.skip("neither zsh nor fish is installed");
  });

  test("lateen completion prints the script", async () => {
    assert.equal((await run(["completion", "bash"])).stdout, `${completionScript("bash")}\n`);
  });
});
