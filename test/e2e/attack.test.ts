// What somebody who can reach the ports of a control plane gets: nothing.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Authority } from "../../src/ca/authority.ts";
import { AdsClient, type NodeOptions } from "../../src/serve/ads/ads-client.fake.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { ControlPlaneRun } from "../kit/control-plane-run.ts";
import { type IssuedIdentity, issueIdentity, openControlAuthority } from "../kit/issued-identity.ts";

/** gRPC status codes. */
const permissionDenied = 7;
const unauthenticated = 16;

const group = `apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: reviews, namespace: shop}
spec: {template: {serviceAccount: reviews}}
`;

describe("somebody who can reach the ports", () => {
  const control = new ControlPlaneRun();
  const sockets: Socket[] = [];
  const clients: AdsClient[] = [];
  let authority: Authority;
  let workload: IssuedIdentity;

  before(async () => {
    await control.up();
    authority = await openControlAuthority(control.dataDir);
    workload = await issueIdentity(authority, "spiffe://cluster.local/ns/shop/sa/reviews");
  });
  after(async () => {
    for (const client of clients) await client.close();
    for (const socket of sockets) socket.destroy();
    await authority.stop();
    await control.stop();
  });

  it("gets no configuration over TLS without a certificate", async () => {
    const client = ads({});
    client.subscribe(typeUrls.cluster);
    assert.equal((await client.ended).code, unauthenticated);
  });

  it("gets none with the administrator's certificate, which is for the API alone", async () => {
    const { cert, key } = control.credentials();
    const client = ads({ cert: cert.toString(), key: key.toString() });
    client.subscribe(typeUrls.cluster);
    const end = await client.ended;
    assert.notEqual(end.code, 0);
    assert.equal(client.received.messages, 0);
  });

  it("gets none with a certificate that nobody here signed", async () => {
    const other = new ControlPlaneRun();
    const foreign = await openControlAuthority(other.folder);
    const client = ads(await issueIdentity(foreign, "spiffe://cluster.local/ns/shop/sa/reviews"));
    client.subscribe(typeUrls.cluster);
    await client.ended;
    assert.equal(client.received.messages, 0);
    await foreign.stop();
    await other.stop();
  });

  it("gets, with a workload's certificate, what that workload may see, and nothing as another namespace", async () => {
    const own = ads(workload);
    own.subscribe(typeUrls.cluster);
    assert.ok((await own.nextAcked()).resources.length > 0);
    const claimed = ads(workload, {
      id: "sidecar~10.0.0.1~vm-1.bank~bank.svc.cluster.local",
      metadata: { NAMESPACE: "bank" },
    });
    claimed.subscribe(typeUrls.cluster);
    assert.equal((await claimed.ended).code, permissionDenied);
    assert.equal(claimed.received.messages, 0);
  });

  it("gets no secrets over the plaintext port, and cannot join or be signed there", async () => {
    for (const typeUrl of [typeUrls.secret, typeUrls.query]) {
      const client = new AdsClient({ url: control.addresses.plaintext });
      clients.push(client);
      client.subscribe(typeUrl, "default");
      assert.equal((await client.ended).code, permissionDenied, typeUrl);
      assert.equal(client.received.messages, 0);
    }
    for (const path of [
      "/istio.v1.auth.IstioCertificateService/CreateCertificate",
      "/lateen.agent.v1.MachineService/Join",
    ]) {
      const call = new AdsClient({ url: control.addresses.plaintext, path });
      clients.push(call);
      call.halfClose();
      assert.equal((await call.ended).code, 12, path);
    }
  });

  it("is asked nothing in the place of a machine of another account, though it comes last under its name", async () => {
    const file = join(control.folder, "reviews.yaml");
    writeFileSync(file, group);
    assert.equal((await control.lateen("apply", "-f", file)).status, 0);
    const id = "sidecar~10.0.0.8~reviews-7.shop~shop.svc.cluster.local";
    const metadata = { NAMESPACE: "shop", LATEEN: { capabilities: ["query"] } };
    const owner = ads(workload, { id, metadata: { ...metadata, AUTO_REGISTER_GROUP: "reviews" } });
    owner.subscribe(typeUrls.query);
    assert.deepEqual((await owner.nextAcked()).names, []);
    const low = await issueIdentity(authority, "spiffe://cluster.local/ns/shop/sa/low");
    const impostor = ads(low, { id, metadata });
    impostor.subscribe(typeUrls.query);
    assert.deepEqual((await impostor.nextAcked()).names, []);
    const asked = control.lateen("proxy-config", "cluster", "reviews-7.shop");
    assert.equal((await owner.next()).names.length, 1);
    await owner.close();
    assert.match((await asked).stderr, /disconnected before it answered/);
    assert.equal(impostor.unread, 0);
    const alone = await control.lateen("proxy-config", "cluster", "reviews-7.shop");
    assert.match(alone.stderr, /has no registered agent connected/);
  });

  it("does not use a workload's certificate at the configuration API", async () => {
    assert.equal(await statusOf("/api", workload), 401);
    assert.equal(await statusOf("/api", {}), 401);
    assert.equal(await statusOf("/api", control.credentials()), 200);
  });

  it("cannot make a web page use the API under another name", async () => {
    const admin = control.credentials();
    assert.equal(await statusOf("/api", admin, { headers: { host: "evil.example" } }), 403);
    assert.equal(await statusOf("/api", admin, { headers: { origin: "https://evil.example" } }), 403);
  });

  it("cannot fill its memory with a body", async () => {
    const path = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices";
    const headers = { "content-type": "application/json", "content-length": String(64 << 20) };
    assert.equal(await statusOf(path, control.credentials(), { method: "POST", headers }), 413);
  });

  it("cannot keep machines out with connections that say nothing, or nonsense", async () => {
    const port = Number(new URL(control.addresses.xds).port);
    const dialled = Array.from({ length: 200 }, () => createConnection({ host: "127.0.0.1", port }));
    sockets.push(...dialled);
    for (const socket of dialled) socket.on("error", () => {});
    await Promise.all(dialled.map((socket) => once(socket, "connect")));
    // A third says nothing, a third speaks HTTP/1, a third stops in the middle of a TLS record.
    for (const [index, socket] of dialled.entries()) {
      if (index % 3 === 1) socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      if (index % 3 === 2) socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    }
    const client = ads(workload);
    client.subscribe(typeUrls.cluster);
    assert.ok((await client.nextAcked()).resources.length > 0);
  });

  it("cannot keep machines out without a certificate, whatever it keeps sending, and leaves its count behind", async () => {
    const sessions = Array.from({ length: 40 }, () => connectHttp2(control.addresses.xds, { ca: authority.roots() }));
    const drips = sessions.map((session) => setInterval(() => !session.destroyed && session.ping(() => {}), 20));
    for (const session of sessions) session.on("error", () => {});
    try {
      await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
      const open = (session: ClientHttp2Session): ClientHttp2Stream => {
        const path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
        const stream = session.request({ ":path": path, ":method": "POST", "content-type": "application/grpc" });
        stream.on("error", () => {});
        stream.write(Buffer.from([0, 0, 0x40, 0, 0])); // the begin of 4 MiB
        return stream;
      };
      for (const session of sessions) {
        const [headers] = await once(open(session), "response");
        assert.equal((headers as Record<string, string>)["grpc-status"], String(unauthenticated));
      }
      const client = ads(workload);
      client.subscribe(typeUrls.cluster);
      assert.ok((await client.nextAcked()).resources.length > 0);
      const [tireless] = sessions;
      assert.ok(tireless !== undefined);
      while (!tireless.destroyed) await once(open(tireless), "close");
    } finally {
      for (const drip of drips) clearInterval(drip);
      for (const session of sessions) session.destroy();
    }
    const text = await (await fetch(`${control.addresses.metrics}/metrics`)).text();
    assert.match(text, /^lateen_connections_refused_total\{reason="anonymous"\} 1$/m);
  });

  it("is not answered in HTTP/1 on the machines' port", async () => {
    const socket = connectTls({ ...target(), ALPNProtocols: ["http/1.1"] });
    const refused = await new Promise<boolean>((resolve) => {
      socket.on("error", () => resolve(true));
      socket.on("secureConnect", () => resolve(false));
    });
    assert.ok(refused);
    const session = connectHttp2(control.addresses.xds, {
      ca: authority.roots(),
      servername: "istiod.istio-system.svc",
    });
    await once(session, "connect");
    session.destroy();
  });

  it("finds no token in logs or files, and no file that others may read", async () => {
    const file = join(control.folder, "group.yaml");
    writeFileSync(file, group);
    assert.equal((await control.lateen("apply", "-f", file)).status, 0);
    const { stdout } = await control.lateen("token", "create", "--group", "shop/reviews");
    const secret = stdout.trim().split(".")[2] ?? "";
    assert.ok(secret.length > 20);
    assert.equal(control.program.lines.join("\n").includes(secret), false);
    for (const path of ["", ...readdirSync(control.dataDir, { recursive: true, encoding: "utf8" })]) {
      const full = join(control.dataDir, path);
      const stat = statSync(full);
      assert.equal(stat.mode & 0o077, 0, `${path} has mode ${(stat.mode & 0o777).toString(8)}`);
      if (stat.isFile()) assert.equal(readFileSync(full).includes(secret), false, path);
    }
  });

  function ads(identity: Partial<IssuedIdentity>, node: NodeOptions = {}): AdsClient {
    const tls = { ca: authority.roots(), servername: "istiod.istio-system.svc", ...identity };
    const client = new AdsClient({ url: control.addresses.xds, tls, node });
    clients.push(client);
    return client;
  }

  function target(): ConnectionOptions {
    const { hostname, port } = new URL(control.addresses.xds);
    return { host: hostname, port: Number(port), ca: authority.roots(), servername: "istiod.istio-system.svc" };
  }

  function statusOf(
    path: string,
    identity: { cert?: string | Buffer; key?: string | Buffer },
    options: { method?: string; headers?: Record<string, string> } = {},
  ): Promise<number> {
    const { ca } = control.credentials();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const call = request(`${control.addresses.api}${path}`, {
      agent: false,
      ca,
      servername: "localhost",
      ...identity,
      ...options,
    });
    call.on("error", reject);
    call.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    if (options.method === undefined) call.end();
    else call.flushHeaders();
    return promise;
  }
});
