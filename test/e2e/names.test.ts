// Names and capture: what the machine's own resolver says, and which traffic is left alone.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

/** A Kubernetes-like resolv.conf is not there: names are as a machine's own search list completes them. */
const fqdn = "echo.shop.svc.cluster.local";
const meshAddress = /^240\.240\./;

const wildcard = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partners, namespace: shop}
spec:
  hosts: ["*.partner.example"]
  addresses: [240.0.0.99]
  location: MESH_EXTERNAL
  resolution: NONE
  ports: [{number: 443, name: tls, protocol: TLS}]
---
`;

describe("names and captured traffic", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let echo: Machine;
  let outsider: Machine;

  before(async () => {
    const quiet =
      '{traffic.sidecar.istio.io/excludeInboundPorts: "7000", traffic.sidecar.istio.io/excludeOutboundPorts: "7001", traffic.sidecar.istio.io/excludeOutboundIPRanges: "198.18.0.13/32"}';
    const groups = workloadGroup("front", { annotations: quiet }) + workloadGroup("echo", { annotations: quiet });
    mesh = await Mesh.start({ objects: groups + meshService("echo") + peerAuthentication("STRICT") + wildcard });
    echo = await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
    outsider = await mesh.addMachine("outsider");
    assert.equal(outsider.host.address, "198.18.0.13");
    await outsider.startEcho("outsider");
  });
  after(() => mesh?.stop());

  const resolves = async (name: string): Promise<void> => {
    const [address] = await front.resolve(name);
    assert.match(address ?? "no address", meshAddress, name);
  };

  it("a service is found by its full name, and inside its namespace by shorter ones", async () => {
    for (const name of [fqdn, "echo.shop.svc", "echo.shop", "echo"]) await resolves(name);
    await resolves(`${fqdn}.`);
    await resolves("ECHO.shop");
    for (const name of [fqdn, "echo.shop", "echo"]) assert.equal(await front.status(`http://${name}/`), 200, name);
  });

  it("a name of IPv4 only has no IPv6 address, and asking for one is answered at once", async () => {
    assert.deepEqual(
      (await front.resolve(fqdn, "ahostsv6")).filter((address) => !address.startsWith("::ffff:")),
      [],
    );
  });

  it("names of the outside come from the resolver that the machine had", async () => {
    assert.deepEqual(await front.resolve("outside.example"), ["203.0.113.80"]);
    assert.deepEqual(await front.resolve("nowhere.example"), []);
    assert.deepEqual(await front.resolve("nothing.shop.svc.cluster.local"), []);
  });

  it("every name below a wildcard host gets its address", async () => {
    assert.deepEqual(await front.resolve("one.partner.example"), ["240.0.0.99"]);
    assert.deepEqual(await front.resolve("a.b.partner.example"), ["240.0.0.99"]);
  });

  it("names are answered over TCP, too", async () => {
    const { stdout } = await front.host.run("sh", ["-c", `RES_OPTIONS=use-vc getent ahostsv4 ${fqdn}`]);
    assert.match(stdout, meshAddress);
    const outside = await front.host.attempt("sh", ["-c", "RES_OPTIONS=use-vc getent ahostsv4 nowhere.example"]);
    assert.notEqual(outside.code, 0);
  });

  it("SSH and ports that the group excludes reach the machine as if there were no mesh", async () => {
    for (const port of [22, 7000]) {
      const server = await echo.startRootEcho(`plain-${port}`, port);
      const { status, body } = await outsider.one(`http://${echo.host.address}:${port}/`);
      assert.equal(status, 200, `${port}`);
      assert.doesNotMatch(body, /x-envoy|x-forwarded/);
      await server.stop();
    }
    assert.equal(await outsider.status(`http://${echo.host.address}:8080/`), 0, "STRICT holds for the others");
  });

  it("ports and addresses that the group excludes are called without the mesh", async () => {
    const server = await outsider.startRootEcho("excluded-port", 7001);
    for (const url of [`http://${outsider.host.address}:7001/`, `http://${outsider.host.address}:8080/`]) {
      const { status, body } = await front.one(url);
      assert.equal(status, 200, url);
      assert.doesNotMatch(body, /x-envoy|x-request-id/, url);
    }
    await server.stop();
  });

  it("nothing that it was sent was rejected", () => mesh.assertNothingRejected());

  it("names are answered while the control plane is dead", async () => {
    await mesh.control.kill();
    await eventually(() => resolves("echo.shop"), { everyMs: 100, withinMs: 1000 });
    assert.deepEqual(await front.resolve("outside.example"), ["203.0.113.80"]);
    assert.equal(await front.status(`http://${fqdn}/`), 200);
  });
});
