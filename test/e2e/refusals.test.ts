// What an Envoy refuses is shown to its author, on every machine and whenever it was refused, and hurts nothing else.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const url = "http://echo.shop.svc.cluster.local/";

/** Valid objects whose cluster no Envoy takes: the file is on no machine. */
const refusedRule = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: shop}
spec:
  hosts: [partner.example]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}]
  endpoints: [{address: 203.0.113.9}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: partner, namespace: shop}
spec:
  host: partner.example
  trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /nonexistent/ca.pem}}
`;

interface Shown {
  status?: { conditions?: { type: string; reason: string; message: string }[] };
}

const patience = { everyMs: 200, withinMs: 20_000 };

describe("refusals", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;

  before(async () => {
    mesh = await Mesh.start({ objects: workloadGroup("front") + workloadGroup("echo") + meshService("echo") });
    await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
  });
  after(() => mesh?.stop());

  /** Of each proxy the state of its clusters and the objects that are blamed. */
  const clusters = async (): Promise<Record<string, string>> => {
    const proxies = JSON.parse(await mesh.control.lateen("proxy-status", "-o", "json")) as {
      name: string;
      types: Record<string, { state: string; objects?: string[] }>;
    }[];
    return Object.fromEntries(
      proxies.map(({ name, types }) => {
        const { state = "", objects = [] } = types["CDS"] ?? {};
        return [name, [state, ...objects.map((object) => object.split("/").slice(-3).join("/"))].join(" ")];
      }),
    );
  };
  const shows = async (state: RegExp, ...names: string[]): Promise<void> => {
    await eventually(async () => {
      const found = await clusters();
      assert.deepEqual(Object.keys(found).sort(), names);
      for (const [name, text] of Object.entries(found)) assert.match(text, state, `${name} is ${text}`);
    }, patience);
  };
  const refused = /^NACK .*partner/;

  it("on the machines that are there, with the objects that made it", async () => {
    await mesh.control.apply(refusedRule);
    await shows(refused, "echo-1.shop", "front.shop");
    assert.equal(await front.status(url), 200);
  });

  it("to the author, as a reason that is with the machines: on others the file may be there", async () => {
    await eventually(async () => {
      const { status } = await mesh.control.get<Shown>("destinationrule", "partner", "-n", "shop");
      const condition = status?.conditions?.find(({ type }) => type === "ProxiesAccepted");
      assert.equal(condition?.reason, "RejectedBySome");
      assert.match(condition?.message ?? "", /refused by 2 of 2 that have it: echo-1\.shop, front\.shop/);
    }, patience);
    assert.equal(await mesh.control.metric("lateen_quarantined_resources"), 0);
  });

  it("on a machine that joins after that, which is ready all the same", async () => {
    const late = await mesh.join("late", "shop/front");
    assert.equal(await late.status(url), 200);
    await shows(refused, "echo-1.shop", "front.shop", "late.shop");
  });

  it("to a control plane that was started anew", async () => {
    await mesh.control.kill();
    await mesh.control.up();
    await shows(refused, "echo-1.shop", "front.shop", "late.shop");
  });

  it("of a machine whose Envoy and agent were started anew", async () => {
    const [pid = 0] = await front.envoyPids();
    process.kill(pid, "SIGKILL");
    await eventually(async () => assert.notEqual((await front.envoyPids())[0] ?? pid, pid), patience);
    assert.equal(await front.stopAgent(), 0);
    front.startAgent();
    await eventually(async () => assert.equal(await front.status(url), 200), patience);
    await shows(refused, "echo-1.shop", "front.shop", "late.shop");
  });

  it("no longer, once its author has taken it back", async () => {
    await mesh.control.remove("destinationrule/partner", "shop");
    await shows(/^SYNCED$/, "echo-1.shop", "front.shop", "late.shop");
  });
});
