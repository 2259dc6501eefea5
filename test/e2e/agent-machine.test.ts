// What an agent promises of its machine, with the real Envoy and a control plane in memory.
import assert from "node:assert/strict";
import type { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "node:tls";
import { create, toBinary } from "@bufbuild/protobuf";
import { NameTableSchema } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import { QuerySchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import {
  type FakeControlPlaneServer,
  fakeControlPlaneServer,
} from "../../src/agent/control-plane/control-plane-server.fake.ts";
import { createKeyPair } from "../../src/agent/identity/key-pair.ts";
import { createCertificateRequest } from "../../src/identity/certificate-request.ts";
import { fromUtf8 } from "../../src/kernel/bytes.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import {
  type AgentRig,
  agentRig,
  application,
  edsCluster,
  envoyPath,
  freePorts,
  httpListener,
  loadAssignment,
  machineFolder,
  routes,
} from "../kit/agent-rig.ts";

const spiffeId = "spiffe://cluster.local/ns/shop/sa/reviews";

describe("a machine with an agent", () => {
  const machine = machineFolder();
  const end: (() => Promise<void>)[] = [];
  let control: FakeControlPlaneServer;
  let rig: AgentRig;
  let envoy = "";
  let listenerPort = 0;
  let tlsPort = 0;
  const apps: { port: number; stop: () => Promise<void> }[] = [];

  before(async () => {
    envoy = await envoyPath();
    apps.push(await application("first"), await application("second"));
    for (const app of apps) end.push(app.stop);
    [listenerPort = 0, tlsPort = 0] = await freePorts(2);
    control = await fakeControlPlaneServer({
      spiffeId,
      machine: {
        trustDomain: "cluster.local",
        domainSuffix: "cluster.local",
        workloads: [{ namespace: "shop", group: "reviews", serviceAccount: "reviews", labels: { app: "reviews" } }],
      },
    });
    end.push(() => control.stop());
    const table = { "reviews.shop.svc.cluster.local": { ips: ["240.240.0.1"] }, "ratings.shop.svc.cluster.local": {} };
    const body = toBinary(NameTableSchema, create(NameTableSchema, { table }));
    control.control.set(typeUrls.nameTable, [{ name: "", version: "1", body }]);
    control.control.set(typeUrls.cluster, [edsCluster("app", "1")]);
    control.control.set(typeUrls.endpoint, [loadAssignment("app", "1", [apps[0]?.port ?? 0])]);
    control.control.set(typeUrls.listener, listeners());
    control.control.set(typeUrls.route, [routes("web", "1", "app")]);
    rig = await agentRig(machine.folder, envoy);
  });
  after(async () => {
    await rig.agent.stop();
    for (const stop of end) await stop();
    machine.remove();
  });

  const listeners = () => [
    httpListener("plain", "1", listenerPort, "web"),
    httpListener("tls", "1", tlsPort, "web", { tls: true }),
  ];
  const get = async (port = listenerPort) => (await fetch(`http://127.0.0.1:${port}/`, { headers: noReuse })).text();
  /** Waits until Envoy has decided about a type, then answers what it said. */
  const decided = async (typeUrl: string, change: () => void): Promise<string | undefined> => {
    const before = control.control.answers(typeUrl).length;
    change();
    while (control.control.answers(typeUrl).length === before) await new Promise((resolve) => setImmediate(resolve));
    return control.control.answers(typeUrl).at(-1);
  };

  it("joins with a token and is ready, with its identity and the services it sees", async () => {
    const joined = await rig.agent.join({ host: "127.0.0.1", port: control.port }, control.token, "vm-7");
    assert.deepEqual(joined, { spiffeId, name: "vm-7" });
    await rig.agent.start();
    const report = await rig.agent.whenReady();
    assert.equal(report.spiffeId, spiffeId);
    assert.equal(report.services, 2);
    assert.equal((await fetch(`http://127.0.0.1:${rig.ports.status}/healthz/ready`)).status, 200);
    assert.deepEqual(rig.agent.status?.obstacles, []);
  });

  it("sends traffic as the control plane says, and follows changes", async () => {
    assert.equal(await get(), "first");
    const endpoints = loadAssignment("app", "2", [apps[1]?.port ?? 0]);
    assert.equal(await decided(typeUrls.endpoint, () => control.control.set(typeUrls.endpoint, [endpoints])), "ACK");
    assert.equal(await get(), "second");
  });

  it("takes a changed EDS cluster without waiting for a load assignment that will not come", {
    timeout: 5_000,
  }, async () => {
    const changed = edsCluster("app", "2", { connectTimeout: "2s" });
    assert.equal(await decided(typeUrls.cluster, () => control.control.set(typeUrls.cluster, [changed])), "ACK");
    assert.equal(await get(), "second");
  });

  it("names a listener that Envoy rejects to the control plane, and keeps the good ones", async () => {
    const [port = 0] = await freePorts(1);
    const bad = httpListener("bad", "1", port, "web", { broken: true });
    const good = httpListener("good", "1", port, "web");
    const answer = await decided(typeUrls.listener, () => control.control.set(typeUrls.listener, [bad, good]));
    assert.match(answer ?? "", /^bad: /);
    assert.doesNotMatch(answer ?? "", /good/);
    assert.equal(await get(port), "second");
  });

  it("proves its identity by SDS, and lets nobody in who has none", async () => {
    await assert.rejects(handshake(tlsPort, { ca: control.authority.root }));
    const client = await clientOf(control);
    assert.equal((await handshake(tlsPort, client)).subjectAltName, `URI:${spiffeId}`);
  });

  it("counts requests under Istio's names", async () => {
    await get();
    const merged = await (await fetch(`http://127.0.0.1:${rig.ports.agent}/metrics`)).text();
    assert.match(merged, /^istio_requests_total\{reporter="source"\} \d+$/m);
    assert.match(merged, /^envoy_server_live\{\} 1$/m);
    assert.match(merged, /^istio_agent_istiod_connected 1$/m);
    const envoyOnly = await (await fetch(`http://127.0.0.1:${rig.ports.prometheus}/stats/prometheus`)).text();
    assert.match(envoyOnly, /^istio_requests_total\{/m);
    assert.doesNotMatch(envoyOnly, /istio_agent_/);
  });

  it("answers the control plane's questions about its Envoy", async () => {
    const answer = control.nextAnswer();
    const question = { case: "envoyAdmin" as const, value: { method: "GET", path: "/config_dump?include_eds" } };
    const body = toBinary(QuerySchema, create(QuerySchema, { id: "q1", question }));
    control.control.set(typeUrls.query, [{ name: "q1", version: "1", body }]);
    const { queryId, status, body: dump } = await answer;
    assert.deepEqual([queryId, status], ["q1", 200]);
    assert.match(fromUtf8(dump), /EndpointsConfigDump/);
    assert.doesNotMatch(fromUtf8(dump), /BEGIN PRIVATE KEY/);
  });

  it("serves on with the control plane dead, also after Envoy crashed (DESIGN law 6, F1, F18)", async () => {
    await control.stop();
    assert.equal(await get(), "second");
    const pid = Number(readFileSync(join(machine.folder, "run", "envoy.pid"), "utf8"));
    process.kill(pid, "SIGKILL");
    while (rig.agent.status?.envoy.state === "live") await new Promise((resolve) => setImmediate(resolve));
    await rig.agent.whenReady();
    assert.equal(await get(), "second");
    assert.notEqual(Number(readFileSync(join(machine.folder, "run", "envoy.pid"), "utf8")), pid);
  });

  it("serves after a reboot with the control plane dead, from what it kept encrypted", async () => {
    await rig.agent.stop();
    const data = join(machine.folder, "data");
    for (const name of readdirSync(data)) {
      assert.doesNotMatch(readFileSync(join(data, name), "latin1"), /PRIVATE|BEGIN CERT|cluster\.local|127\.0\.0\.1/);
    }
    rig = await agentRig(machine.folder, envoy);
    await rig.agent.start();
    const report = await rig.agent.whenReady();
    assert.deepEqual([report.spiffeId, report.services], [spiffeId, 2]);
    assert.notEqual(rig.agent.status?.controlPlane.state, "connected");
    assert.equal(await get(), "second");
  });

  it("comes back to a control plane that comes back, and is told only what changed", async () => {
    const again = await fakeControlPlaneServer({ port: control.port, authority: control.authority, spiffeId });
    end.push(() => again.stop());
    again.control.set(typeUrls.cluster, [edsCluster("app", "2", { connectTimeout: "2s" })]);
    again.control.set(typeUrls.listener, listeners());
    again.control.set(typeUrls.route, [routes("web", "1", "app")]);
    again.control.set(typeUrls.endpoint, [loadAssignment("app", "3", [apps[0]?.port ?? 0])]);
    await again.nextStream();
    while ((await get()) !== "first") await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(again.peers, [`URI:${spiffeId}`]);
  });
});

describe("a machine whose certificate nears its end", () => {
  const machine = machineFolder();
  const end: (() => Promise<void>)[] = [];
  after(async () => {
    for (const stop of end.reverse()) await stop();
    machine.remove();
  });

  it("gets a new one in time, and its Envoy and its connection to the control plane use it at once", async () => {
    const control = await fakeControlPlaneServer({ spiffeId, lifeMs: 5_000 });
    end.push(() => control.stop());
    const [port = 0] = await freePorts(1);
    control.control.set(typeUrls.cluster, [edsCluster("app", "1")]);
    control.control.set(typeUrls.endpoint, [loadAssignment("app", "1", [])]);
    control.control.set(typeUrls.listener, [httpListener("tls", "1", port, "web", { tls: true })]);
    control.control.set(typeUrls.route, [routes("web", "1", "app")]);
    const rig = await agentRig(machine.folder, await envoyPath());
    end.push(() => rig.agent.stop());
    await rig.agent.join({ host: "127.0.0.1", port: control.port }, control.token);
    await rig.agent.start();
    await rig.agent.whenReady();
    const client = await clientOf(control);
    const first = await handshake(port, client);
    await control.nextStream(); // dialled again with the new certificate
    while ((await handshake(port, client)).serialNumber === first.serialNumber);
    assert.deepEqual(new Set(control.peers), new Set([`URI:${spiffeId}`]));
    assert.equal(rig.agent.status?.identity.state, "valid");
  });
});

describe("a machine with resolver and capture", () => {
  const machine = machineFolder();
  const end: (() => Promise<void>)[] = [];
  after(async () => {
    for (const stop of end.reverse()) await stop();
    machine.remove();
  });

  it("captures only when Envoy is live, and lets go before anything else ends (DESIGN law 10)", async () => {
    const control = await fakeControlPlaneServer({ spiffeId });
    end.push(() => control.stop());
    const table = toBinary(NameTableSchema, create(NameTableSchema, { table: { "a.example": { ips: ["10.0.0.1"] } } }));
    control.control.set(typeUrls.nameTable, [{ name: "", version: "1", body: table }]);
    const order: string[] = [];
    const dns = {
      ready: false,
      async start() {
        this.ready = true;
        order.push("dns starts");
      },
      update: (names: { table: object }) => order.push(`names ${Object.keys(names.table).join()}`),
      describe: async () => ({}),
      stop: async () => void order.push("dns stops"),
    };
    const capture = {
      apply: async () => void order.push(`capture with Envoy ${rig.agent.status?.envoy.state}`),
      describe: async () => ({ captured: true }),
      stop: async () => void order.push(`release with Envoy ${rig.agent.status?.envoy.state}`),
    };
    const rig: AgentRig = await agentRig(machine.folder, await envoyPath(), { dns, capture });
    end.push(() => rig.agent.stop());
    await rig.agent.join({ host: "127.0.0.1", port: control.port }, control.token);
    await rig.agent.start();
    assert.match(rig.agent.status?.obstacles.join() ?? "", /not captured yet/);
    await rig.agent.whenReady();
    const answer = control.nextAnswer();
    const question = { case: "agent" as const, value: { topic: "capture" } };
    const body = toBinary(QuerySchema, create(QuerySchema, { id: "c1", question }));
    control.control.set(typeUrls.query, [{ name: "c1", version: "1", body }]);
    assert.equal(fromUtf8((await answer).body), '{"captured":true}');
    await rig.agent.stop();
    assert.deepEqual(order, [
      "dns starts",
      "names a.example",
      "capture with Envoy live",
      "release with Envoy live",
      "dns stops",
    ]);
  });

  it("says what it waits for when the control plane refuses it, and that it was stopped", async () => {
    const control = await fakeControlPlaneServer({ spiffeId });
    const other = machineFolder();
    end.push(async () => other.remove());
    const rig = await agentRig(other.folder, await envoyPath());
    await assert.rejects(rig.agent.start(), { code: "LAT3301" });
    await rig.agent.stop();
    const next = await agentRig(other.folder, await envoyPath());
    await next.agent.join({ host: "127.0.0.1", port: control.port }, control.token);
    await control.stop();
    await next.agent.start();
    const ready = assert.rejects(next.agent.whenReady(), { code: "LAT4211" });
    while (next.agent.status?.controlPlane.state !== "waiting") await new Promise((resolve) => setImmediate(resolve));
    assert.match(next.agent.status?.obstacles.join() ?? "", /no connection to the control plane: .*ECONNREFUSED/);
    await next.agent.stop();
    await ready;
  });
});

/** Proof of another workload of the mesh. */
async function clientOf(control: FakeControlPlaneServer): Promise<{ ca: string; cert: string; key: string }> {
  const keys = await createKeyPair();
  const life = { fromMs: Date.now() - 1_000, toMs: Date.now() + 600_000 };
  const csr = await createCertificateRequest(keys.signer);
  const { chain } = await control.authority.sign(csr, "spiffe://cluster.local/ns/shop/sa/client", life);
  return { ca: control.authority.root, cert: chain.join(""), key: keys.privateKey.reveal() };
}

/** A connection of its own for each request: one to the Envoy before must not be used again. */
const noReuse = { connection: "close" };

/** The certificate of the server; fails where it refuses the client. */
function handshake(port: number, options: { ca: string; cert?: string; key?: string }): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ...options, checkServerIdentity: () => undefined });
    socket.on("error", reject);
    socket.on("end", () => reject(new Error("the server closed the connection")));
    socket.on("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      // With TLS 1.3 a refused client learns it only with the first answer.
      socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      socket.on("data", () => {
        socket.destroy();
        if (certificate !== undefined) resolve(certificate);
      });
    });
  });
}
