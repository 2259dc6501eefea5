// What an object asks for beyond its own: the machines of others keep what they have, and its author is told.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const url = "http://echo.shop.svc.cluster.local/";

const object = (kind: string, name: string, namespace: string, spec: string): string => `
apiVersion: ${kind === "ServiceEntry" || kind === "DestinationRule" ? "networking" : "security"}.istio.io/v1
kind: ${kind}
metadata: {name: ${name}, namespace: ${namespace}}
spec: ${spec}
---
`;

/** A service of anybody's on a port at which every proxy itself listens. */
const onListenerPort = (port: number, protocol: string): string =>
  object(
    "ServiceEntry",
    `own-${port}`,
    "lobby",
    `{hosts: [own-${port}.example.com], resolution: NONE, ports: [{number: ${port}, name: p, protocol: ${protocol}}]}`,
  );

describe("an object that asks for more than its own", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let guest: Machine;

  before(async () => {
    const groups = workloadGroup("front") + workloadGroup("guest") + workloadGroup("echo");
    mesh = await Mesh.start({ objects: groups + meshService("echo") + peerAuthentication("STRICT") });
    await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
  });
  after(() => mesh?.stop());

  it("takes the proxy's own ports from no machine, neither from one that is there nor from one that joins", async () => {
    const ports = [15001, 15006, 15021, 15090];
    for (const [index, port] of ports.entries()) {
      await mesh.control.apply(onListenerPort(port, index % 2 === 0 ? "HTTP" : "TLS"));
    }
    guest = await mesh.join("guest", "shop/guest", { echo: true });
    await mesh.control.apply(meshService("guest"));
    const listeners = await guest.page(15000, "/listeners");
    for (const port of ports) {
      assert.ok(port === 15021 || !listeners.includes(`0.0.0.0_${port}::`), listeners);
    }
    for (const name of ["virtualInbound", "virtualOutbound"]) assert.match(listeners, new RegExp(`^${name}::`, "m"));
    assert.equal(await guest.status(url), 200);
    assert.equal(await front.status(url), 200);
    await eventually(async () => assert.equal(await front.status("http://guest.shop.svc.cluster.local/"), 200));
    await mesh.assertNothingRejected();
  });

  it("does not stop the inbound listener of a machine, which goes on taking what policies say", async () => {
    const ports = '{selector: {matchLabels: {app: echo}}, portLevelMtls: {"15006": {mode: DISABLE}}}';
    await mesh.control.apply(object("PeerAuthentication", "odd", "shop", ports));
    await mesh.control.apply(
      object(
        "AuthorizationPolicy",
        "closed",
        "shop",
        "{selector: {matchLabels: {app: echo}}, action: DENY, rules: [{}]}",
      ),
    );
    await eventually(async () => assert.equal(await front.status(url), 403));
    await mesh.control.remove("authorizationpolicy/closed", "shop");
    await eventually(async () => assert.equal(await front.status(url), 200));
    await mesh.assertNothingRejected();
  });

  it("changes the calls of the workloads that it chooses, and of no others", async () => {
    const plaintext =
      "{host: echo, workloadSelector: {matchLabels: {app: front}}, trafficPolicy: {tls: {mode: DISABLE}}}";
    await mesh.control.apply(object("DestinationRule", "chosen", "shop", plaintext));
    // STRICT refuses what comes in plaintext.
    await eventually(async () => assert.equal(await front.status(url), 503));
    assert.equal(await guest.status(url), 200);
    await mesh.control.remove("destinationrule/chosen", "shop");
    await eventually(async () => assert.equal(await front.status(url), 200));
  });

  it("gets no connection to the addresses of an HTTP service", async () => {
    for (const [name, addresses] of [
      ["one", "240.240.0.1, 240.240.0.2, 240.240.0.3, 240.240.0.4"],
      ["wide", "0.0.0.0/1, 128.0.0.0/1, 240.240.0.0/16"],
    ] as const) {
      const spec = `{hosts: [${name}.example.com], addresses: [${addresses}], resolution: STATIC, ports: [{number: 80, name: tcp, protocol: TCP}], endpoints: [{address: 127.0.0.1, ports: {tcp: 9}}]}`;
      await mesh.control.apply(object("ServiceEntry", name, "lobby", spec));
    }
    await eventually(async () =>
      assert.match(await front.page(15000, "/config_dump?resource=dynamic_listeners"), /outbound\|80\|\|wide\.example/),
    );
    assert.equal(await front.status(url), 200);
    for (const name of ["one", "wide"]) await mesh.control.remove(`serviceentry/${name}`, "lobby");
    await mesh.assertNothingRejected();
  });

  it("is taken with a warning that names the port and its place", async () => {
    for (const [yaml, place] of [
      [onListenerPort(15006, "HTTP"), "spec.ports[0].number"],
      [
        object(
          "PeerAuthentication",
          "odd",
          "shop",
          '{selector: {matchLabels: {app: echo}}, portLevelMtls: {"15006": {mode: DISABLE}}}',
        ),
        'spec.portLevelMtls["15006"]',
      ],
    ] as const) {
      const file = join(mesh.control.host.folder, "object.yaml");
      writeFileSync(file, yaml);
      const { code, output } = await mesh.control.attempt("apply", "-f", file);
      assert.equal(code, 0, output);
      assert.ok(output.includes("LAT1013") && output.includes(place) && output.includes("15006"), output);
    }
  });

  it("nothing that machines were sent was rejected", () => mesh.assertNothingRejected());
});
