// Machines stay in the mesh when their certificates run out: each is renewed in time, and no request notices.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const url = "http://echo.shop.svc.cluster.local/";
/** The shortest that `lateen up` takes; a machine renews at half of it. */
const lifetimeMs = 30_000;
const patience = { everyMs: 500, withinMs: 2 * lifetimeMs };

interface Certificate {
  serialNumber: string;
  notAfterMs: number;
}

describe("certificates that are good for 30 s", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let echo: Machine;
  /** What the machines had when they joined. */
  let first: Map<Machine, Certificate>;

  before(async () => {
    const groups = workloadGroup("front") + workloadGroup("echo");
    mesh = await Mesh.start({
      flags: ["--workload-cert-ttl", `${lifetimeMs / 1000}s`],
      objects: groups + meshService("echo") + peerAuthentication("STRICT"),
    });
    echo = await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
    first = new Map();
    for (const machine of [front, echo]) first.set(machine, await certificateOf(machine));
  });
  after(() => mesh?.stop());

  /** The certificate that a machine's Envoy uses now, as Envoy says. */
  async function certificateOf(machine: Machine): Promise<Certificate> {
    const page = JSON.parse(await machine.page(15000, "/certs")) as {
      certificates: { cert_chain: { serial_number: string; expiration_time: string }[] }[];
    };
    const [leaf] = page.certificates.flatMap(({ cert_chain }) => cert_chain);
    assert.ok(leaf !== undefined, "Envoy has no certificate");
    return { serialNumber: leaf.serial_number, notAfterMs: Date.parse(leaf.expiration_time) };
  }

  it("are renewed before they expire, on every machine, without a failed request", async () => {
    const load = front.load({ url });
    for (const machine of [front, echo]) {
      const old = first.get(machine);
      assert.ok(old !== undefined && old.notAfterMs - Date.now() <= lifetimeMs);
      await eventually(
        async () => assert.notEqual((await certificateOf(machine)).serialNumber, old.serialNumber),
        patience,
      );
      assert.ok(Date.now() < old.notAfterMs, "it was renewed too late");
    }
    const lastExpiry = Math.max(...[...first.values()].map(({ notAfterMs }) => notAfterMs));
    await eventually(() => assert.ok(Date.now() > lastExpiry), patience);
    const { statuses } = await load.stop();
    assert.deepEqual(Object.keys(statuses), ["200"], JSON.stringify(statuses));
  });

  it("let new connections through after the first ones have expired", async () => {
    assert.equal(await front.status(url), 200);
  });

  it("take the stream to the control plane along, so that changes still arrive", async () => {
    await mesh.control.apply(meshService("later"));
    await eventually(async () => assert.equal((await front.resolve("later.shop")).length, 1), { withinMs: 10_000 });
  });

  it("nothing was rejected", () => mesh.assertNothingRejected());
});
