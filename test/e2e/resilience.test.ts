// What goes on when parts die: the control plane, Envoy, the agent.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const url = "http://echo.shop.svc.cluster.local/";

describe("resilience", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let echo: Machine;

  before(async () => {
    const groups = workloadGroup("front") + workloadGroup("echo");
    mesh = await Mesh.start({ objects: groups + meshService("echo") + peerAuthentication("STRICT") });
    echo = await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
  });
  after(() => mesh?.stop());

  const connected = async (): Promise<string[]> => {
    const proxies = JSON.parse(await mesh.control.lateen("proxy-status", "-o", "json")) as {
      name: string;
      types: Record<string, { state: string }>;
    }[];
    for (const { name, types } of proxies) {
      for (const [type, { state }] of Object.entries(types)) {
        assert.ok(state === "SYNCED" || state === "IGNORED", `${name} ${type} is ${state}`);
      }
    }
    return proxies.map(({ name }) => name).sort();
  };

  it("requests go on when the control plane is killed, and comes back", async () => {
    const load = front.load({ url });
    await mesh.control.kill();
    assert.equal(await front.status(url), 200);
    await mesh.control.up();
    await eventually(async () => assert.deepEqual(await connected(), ["echo-1.shop", "front.shop"]), {
      everyMs: 300,
      withinMs: 20_000,
    });
    const { statuses } = await load.stop();
    assert.deepEqual(Object.keys(statuses), ["200"], JSON.stringify(statuses));
  });

  it("nothing that it was sent was rejected, also after the machines came back", () => mesh.assertNothingRejected());

  it("what is applied after that reaches the machines", async () => {
    await mesh.control.apply(meshService("later"));
    await eventually(async () => assert.equal((await front.resolve("later.shop")).length, 1), { withinMs: 10_000 });
    await mesh.control.remove("se/later", "shop");
  });

  it("an Envoy that is killed comes back by itself, also without a control plane", async () => {
    await mesh.control.kill();
    for (const machine of [front, echo]) {
      const [pid = 0] = await machine.envoyPids();
      assert.ok(pid > 0);
      process.kill(pid, "SIGKILL");
      await eventually(
        async () => {
          const [next = pid] = await machine.envoyPids();
          assert.notEqual(next, pid);
          assert.equal(await front.status(url), 200);
        },
        { everyMs: 100, withinMs: 15_000 },
      );
    }
  });

  it("a machine that reboots without a control plane serves from what it knows", async () => {
    assert.equal(await front.stopAgent(), 0);
    assert.equal(await front.rules(), "", "rules are left");
    assert.deepEqual(await front.envoyPids(), [], "Envoy is left");
    front.startAgent();
    await eventually(
      async () => {
        const { status, body } = await front.one(url);
        assert.equal(status, 200);
        assert.match(body, /URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/front/);
      },
      { everyMs: 200, withinMs: 15_000 },
    );
  });

  it("an agent that is killed and started again takes over from the one before", async () => {
    process.kill(front.agentProgram.pid, "SIGKILL");
    await front.agentProgram.ended.catch(() => {});
    front.startAgent();
    await eventually(async () => assert.equal(await front.status(url), 200), { everyMs: 200, withinMs: 15_000 });
    await eventually(async () => assert.equal((await front.envoyPids()).length, 1), { everyMs: 200, withinMs: 15_000 });
  });

  it("nothing that came from the machines' own memory was rejected", async () => {
    for (const machine of [front, echo]) await machine.assertNothingRejected();
  });
});
