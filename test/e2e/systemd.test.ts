// What `lateen join` leaves behind on a machine with systemd: a unit that keeps the machine in the mesh.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { BootedMachine, bootMissing } from "../kit/booted-machine.ts";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import { lateenProgram } from "../kit/lateen-program.ts";
import { Mesh } from "../kit/mesh.ts";

const missing = bootMissing();
const patience = { everyMs: 300, withinMs: 60_000 };

describe("the systemd unit", missing === undefined ? {} : { skip: missing }, () => {
  let mesh: Mesh;
  let booted: BootedMachine;
  let applications: string;

  before(async () => {
    const groups = workloadGroup("echo") + workloadGroup("front");
    mesh = await Mesh.start({ objects: groups + meshService("echo") + peerAuthentication("STRICT") });
    await mesh.join("echo-1", "shop/echo", { echo: true });
    applications = join(mesh.network.folder, "app");
    booted = await BootedMachine.boot(mesh.network, await mesh.network.addHost("front", 20), [applications]);
  });
  after(() => mesh?.stop());

  /** The status of a call from the machine into the mesh, which takes mutual TLS and so an identity. */
  const call = async (): Promise<number> => {
    const order = JSON.stringify({ url: "http://echo.shop/", count: 1 });
    const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    const output = await booted.run(
      "setpriv",
      ...user,
      join(applications, "node"),
      join(applications, "client.ts"),
      order,
    );
    return (JSON.parse(output) as { first: { status: number }[] }).first[0]?.status ?? 0;
  };
  const isIn = (): Promise<void> => eventually(async () => assert.equal(await call(), 200), patience);
  const unit = (property: string): Promise<string> =>
    booted.run("systemctl", "show", "--property", property, "--value", "lateen-agent");

  /** `lateen join` on the machine, as the operator types it; what it printed. */
  const joinGroup = async (group: string): Promise<string> => {
    const args = ["join", mesh.control.url, "--token-file", "-", "--name", "front"];
    const { code, output } = await booted.attempt(lateenProgram, args, { input: await mesh.control.token(group) });
    assert.equal(code, 0, output);
    return output;
  };

  it("join installs it, waits until the machine is ready, and says so", async () => {
    const output = await joinGroup("shop/front");
    const report =
      /^you are spiffe:\/\/cluster\.local\/ns\/shop\/sa\/front, 1 service visible, ready after \d+\.\d s$/m;
    assert.match(output, report);
    assert.equal(await unit("ActiveState"), "active");
    assert.equal(await unit("UnitFileState"), "enabled");
    assert.equal(await call(), 200);
  });

  it("no secret is in the unit or in a process's arguments", async () => {
    const text = `${await booted.run("systemctl", "cat", "lateen-agent")}\n${await booted.run("ps", "-eo", "args")}`;
    assert.match(text, /lateen.* agent --data-dir \/var\/lib\/lateen\/agent/);
    assert.doesNotMatch(text, /lateen1\.|PRIVATE KEY/);
  });

  it("brings the agent back when it is killed", async () => {
    const before = await unit("MainPID");
    await booted.run("kill", "-9", before);
    await eventually(async () => assert.ok(!["0", before].includes(await unit("MainPID"))), patience);
    await isIn();
  });

  it("never gives up: an agent that fails at once, again and again, comes back when it can", async () => {
    // What a full disk or a late mount would do.
    await booted.run("mv", "/var/lib/lateen/agent", "/var/lib/lateen/away");
    await booted.run("systemctl", "kill", "--signal=KILL", "lateen-agent");
    await eventually(async () => assert.ok(Number(await unit("NRestarts")) >= 8), patience);
    await booted.run("rm", "-rf", "/var/lib/lateen/agent");
    await booted.run("mv", "/var/lib/lateen/away", "/var/lib/lateen/agent");
    await isIn();
  });

  it("brings the machine back into the mesh after a reboot, without anybody's help", async () => {
    await booted.reboot();
    await isIn();
    assert.equal(await unit("ActiveState"), "active");
  });

  it("joining again makes it somebody else, with a new token", async () => {
    const output = await joinGroup("shop/echo");
    assert.match(output, /^you are spiffe:\/\/cluster\.local\/ns\/shop\/sa\/echo, /m);
    await isIn();
  });

  it("goes with lateen leave, and so does all that it did", async () => {
    assert.match(await booted.run(lateenProgram, "leave"), /this machine has left the mesh/);
    assert.equal(await unit("LoadState"), "not-found");
    assert.equal(await booted.run("nft", "list", "tables"), "");
    assert.doesNotMatch(await booted.run("ps", "-eo", "args"), /envoy/);
  });
});
