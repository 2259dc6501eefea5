// How machines come into the mesh, what the operator sees of them, and how they go.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { meshService, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import { lateenProgram } from "../kit/lateen-program.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";
import type { Attempt } from "../kit/network.ts";

interface EntryList {
  items: { metadata: { name: string; annotations: Record<string, string> }; spec: Record<string, unknown> }[];
}

/** Istio's grace period of an entry, 10 s, plus what a busy machine needs. */
const graceMs = 20_000;

describe("a machine joins", rootOnly, () => {
  let mesh: Mesh;
  let first: Machine;
  let stranger: Machine;

  before(async () => {
    const objects = workloadGroup("web") + workloadGroup("other") + meshService("web");
    mesh = await Mesh.start({ objects });
    first = await mesh.join("web-1", "shop/web", { echo: true });
    stranger = await mesh.addMachine("stranger");
  });
  after(() => mesh?.stop());

  /** `lateen join` on the stranger, which is to fail. */
  async function refusedJoin(token: string, ...flags: string[]): Promise<Attempt> {
    const args = ["join", mesh.control.url, "--foreground", "--data-dir", stranger.dataDir, ...flags];
    const attempt = await stranger.host.attempt(lateenProgram, args, {
      env: { ...stranger.env, LATEEN_TOKEN: token },
    });
    assert.ok(attempt.code === 1 || attempt.code === 2, attempt.output); // 2: the flag itself is wrong
    assert.equal(await stranger.rules(), "", "rules are installed");
    assert.deepEqual(await stranger.envoyPids(), [], "Envoy runs");
    assert.equal(existsSync(join(stranger.dataDir, "machine-identity")), false);
    return attempt;
  }

  const entries = async (): Promise<string[]> => {
    const { items } = await mesh.control.get<EntryList>("workloadentries", "-n", "shop");
    return items.map(({ metadata }) => metadata.name);
  };

  it("with one command, and is told who it is, what it sees and that it is ready", async () => {
    assert.equal((await first.envoyPids()).length, 1);
    const line = await first.agentProgram.line(/^you are/);
    assert.match(
      line,
      /^you are spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web, 1 services? visible, ready after \d+\.\d s$/,
    );
  });

  it("a token is good for one machine only", async () => {
    const token = await mesh.control.token("shop/web");
    const second = await mesh.addMachine("web-2");
    await second.join(mesh.control.url, token);
    const { output } = await refusedJoin(token);
    assert.match(output, /LAT3\d+.*\n?.*token/);
    await second.stopAgent();
  });

  it("an expired token is refused with what to do", async () => {
    const token = await mesh.control.token("shop/web", "--ttl", "1s");
    const expired = Date.now() + 1000;
    await eventually(() => assert.ok(Date.now() > expired), { everyMs: 100 });
    const { output } = await refusedJoin(token);
    assert.match(output, /expired/);
    assert.match(output, /lateen token create/);
  });

  it("a token that was cut, changed or invented is refused before anything is sent", async () => {
    const token = await mesh.control.token("shop/web");
    for (const wrong of [token.slice(0, -8), token.slice(0, 20), "lateen1.x", "hello", ` ${token}x`]) {
      const { output } = await refusedJoin(wrong);
      assert.match(output, /LAT\d{4}/, wrong);
      assert.ok(!output.includes(wrong.trim()) || wrong.length < 12, "the token is in the output");
    }
  });

  it("a control plane whose authority is not the one of the token is refused", async () => {
    const token = await mesh.control.token("shop/web");
    const parts = token.split(".");
    const pin = parts.pop() ?? "";
    const { output } = await refusedJoin([...parts, `${pin.startsWith("A") ? "B" : "A"}${pin.slice(1)}`].join("."));
    assert.match(output, /LAT3\d{3}/);
  });

  it("what fails on the machine itself does so before the token is spent", async () => {
    const token = await mesh.control.token("shop/web");
    assert.match((await refusedJoin(token, "--envoy", "/nowhere/envoy")).output, /LAT4201.*\/nowhere\/envoy/);
    const late = await mesh.addMachine("late");
    await late.join(mesh.control.url, token);
    await late.stopAgent();
  });

  it("a second agent on a machine is refused, and takes nothing from the first", async () => {
    const token = await mesh.control.token("shop/other");
    const again = ["join", mesh.control.url, "--foreground", "--name", "again", "--data-dir", first.dataDir];
    for (const [args, env] of [
      [again, { ...first.env, LATEEN_TOKEN: token }],
      [["agent", "--data-dir", first.dataDir], first.env],
    ] as const) {
      const { code, output } = await first.host.attempt(lateenProgram, args, { env });
      assert.equal(code, 1, output);
      assert.match(output, /LAT4212/);
    }
    const [envoy] = await first.envoyPids();
    process.kill(envoy ?? 0, "SIGKILL");
    // A new Envoy needs the socket and the ports of the agent.
    await eventually(async () => assert.equal(await first.status("http://web.shop/"), 200), { withinMs: 20_000 });
    await first.stopAgent();
    first.startAgent();
    await eventually(async () => assert.equal(await first.status("http://web.shop/"), 200), { withinMs: 20_000 });
    assert.ok((await entries()).includes("web-web-1"), "it came back as somebody else");
  });

  it("a token for a group that does not exist is not made", async () => {
    const { code, output } = await mesh.control.attempt("token", "create", "--group", "shop/nothing");
    assert.equal(code, 1);
    assert.match(output, /there is no WorkloadGroup nothing in namespace shop/);
  });

  it("a second machine with the name of the first is refused, with the reason", async () => {
    const twin = await mesh.addMachine("twin");
    const token = await mesh.control.token("shop/web");
    const args = ["join", mesh.control.url, "--name", "web-1", "--foreground", "--data-dir", twin.dataDir];
    const program = twin.host.start(lateenProgram, args, { env: { ...twin.env, LATEEN_TOKEN: token } });
    assert.match(await program.line(/LAT4403|Another machine|is registered|connected/), /web-1/);
    const { items } = await mesh.control.get<EntryList>("workloadentries", "-n", "shop");
    const owner = items.find(({ metadata }) => metadata.name === "web-web-1");
    assert.equal(owner?.spec["address"], first.host.address);
    assert.ok(!items.some(({ spec }) => spec["address"] === twin.host.address), "the twin is registered");
    await program.stop();
  });

  it("appears among the workload entries, and goes from them after it left", async () => {
    const guest = await mesh.addMachine("guest");
    await guest.join(mesh.control.url, await mesh.control.token("shop/web"));
    await eventually(async () => assert.ok((await entries()).includes("web-guest")));
    const leave = await guest.host.attempt(lateenProgram, ["leave", "--data-dir", guest.dataDir], { env: guest.env });
    assert.equal(leave.code, 0, leave.output);
    assert.match(leave.output, /stopping the agent, process \d+\n.*has left the mesh/);
    assert.equal(await guest.agentProgram.ended, 0);
    assert.deepEqual(await guest.envoyPids(), []);
    assert.equal(await guest.rules(), "");
    assert.equal(existsSync(guest.dataDir), false, "its identity is still on the disk");
    await eventually(async () => assert.ok(!(await entries()).includes("web-guest")), {
      everyMs: 500,
      withinMs: graceMs,
    });
  });

  it("its entry can be read and described, and deleting it says where to change it", async () => {
    const { items } = await mesh.control.get<EntryList>("workloadentries", "-n", "shop");
    const entry = items.find(({ spec }) => spec["address"] === first.host.address);
    assert.ok(entry !== undefined);
    assert.equal(entry.spec["serviceAccount"], "web");
    assert.equal(entry.metadata.annotations["istio.io/autoRegistrationGroup"], "web");
    const described = await mesh.control.lateen("describe", "we", entry.metadata.name, "-n", "shop");
    assert.match(described, new RegExp(first.host.address.replaceAll(".", "\\.")));
    const { code, output } = await mesh.control.attempt("delete", "we", entry.metadata.name, "-n", "shop");
    assert.equal(code, 1, output);
    assert.match(output, /registered|WorkloadGroup|machine/);
    assert.ok((await entries()).includes(entry.metadata.name));
  });

  it("the operator sees in istioctl's columns that it is in sync", async () => {
    const rows = await eventually(async () => {
      const text = await mesh.control.lateen("proxy-status");
      assert.doesNotMatch(text, /STALE/);
      return text.split("\n");
    });
    assert.match(rows[0] ?? "", /^NAME +CLUSTER +CDS +LDS +EDS +RDS +ECDS +ISTIOD +VERSION/);
    const row = rows.find((line) => line.startsWith("web-1.shop"));
    assert.match(row ?? "", /SYNCED.*SYNCED.*SYNCED/);
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
    assert.ok(row?.trimEnd().endsWith(` ${version}`), row ?? "");
  });

  it("the operator reads what its Envoy holds from afar, and turns its log up", async () => {
    const pc = (...args: string[]): Promise<string> => mesh.control.lateen("proxy-config", ...args);
    const cluster = "outbound|80||web.shop.svc.cluster.local";
    const host = "web.shop.svc.cluster.local";
    assert.match(await pc("cluster", "web-1.shop"), /web\.shop\.svc\.cluster\.local +80 +- +outbound +EDS/);
    assert.match(await pc("listener", "web-1.shop"), /15006[\s\S]*|0\.0\.0\.0 +15001/);
    assert.match(await pc("route", "web-1.shop"), new RegExp(host));
    const endpoints = await pc("endpoint", "web-1.shop", "--cluster", cluster);
    assert.match(endpoints, new RegExp(`${first.host.address}:8080 +HEALTHY`));
    assert.match(await pc("secret", "web-1.shop"), /default +Cert Chain +ACTIVE +true/);
    assert.match(await pc("log", "web-1.shop", "--level", "http:debug"), /http: debug/);
    assert.match(await pc("log", "web-1.shop", "--level", "http:warning"), /http: warning/);
  });

  it("nothing that it was sent was rejected", () => mesh.assertNothingRejected());
});
