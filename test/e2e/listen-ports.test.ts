// MeshConfig may move the proxy's own ports: capture and Envoy must move together.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

describe("a mesh whose proxies listen on other ports", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let echo: Machine;

  before(async () => {
    const groups = workloadGroup("front") + workloadGroup("echo");
    mesh = await Mesh.start({
      meshConfig: "proxyListenPort: 16001\nproxyInboundListenPort: 16006\n",
      objects: groups + meshService("echo") + peerAuthentication("STRICT"),
    });
    echo = await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
  });
  after(() => mesh?.stop());

  it("captures what machines send and what they are sent, and redirects it there", async () => {
    assert.match(await front.rules(), /:16001\b/);
    assert.match(await echo.rules(), /:16006\b/);
    assert.equal(await front.status("http://echo.shop/"), 200);
  });

  it("is as strict as any", async () => {
    const outsider = await mesh.addMachine("outsider");
    await eventually(async () => assert.equal(await outsider.status(`http://${echo.host.address}:8080/`), 0));
  });

  it("nothing was rejected", () => mesh.assertNothingRejected());
});
