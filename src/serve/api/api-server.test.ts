import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type PeerCertificate, connect as tlsConnect } from "node:tls";
import { type Authority, type KeyedCertificate, openAuthority } from "../../ca/authority.ts";
import { controlPlaneNames } from "../../ca/server-names.ts";
import { parseTrustDomain } from "../../identity/trust-domain.ts";
import { systemClock } from "../../kernel/clock.ts";
import type { LateenError } from "../../kernel/error.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { systemRandom } from "../../kernel/random.ts";
import { pipelineLimit } from "../../kernel/request-pipelines.ts";
import { adminKubeconfig } from "./admin-kubeconfig.ts";
import { clientCertificateAuthenticator, firstOf } from "./api-identity.ts";
import { ApiRig } from "./api-rig.fake.ts";
import { ApiServer } from "./api-server.ts";

const folder = mkdtempSync(join(tmpdir(), "lateen-api-"));
let authority: Authority;
let certificate: KeyedCertificate;
let admin: KeyedCertificate;
let rig: ApiRig;
let server: ApiServer;
let skewMs = 0;

before(async () => {
  const base = { trustDomain: parseTrustDomain("cluster.local"), clock: systemClock, random: systemRandom };
  authority = await openAuthority({ ...base, dataFolder: folder, log: fakeLog().log, uid: process.getuid?.() });
  certificate = await authority.signServer(controlPlaneNames("istio-system", []));
  admin = await authority.signAdmin();
  const clock = { ...systemClock, now: () => systemClock.now() + skewMs };
  const nobody = { authenticate: async () => undefined };
  rig = await ApiRig.start({ authenticator: firstOf(nobody, clientCertificateAuthenticator(clock)) });
  server = await ApiServer.listen({
    host: "127.0.0.1",
    port: 0,
    certificate,
    clientAuthority: admin.roots,
    handler: rig.api.handler,
  });
});
after(async () => {
  await server.stop();
  await rig.stop();
  await authority.stop();
  rmSync(folder, { recursive: true });
});

interface Client {
  cert?: string;
  key?: string;
}

function get(path: string, client: Client = {}): Promise<{ code: number; peer: PeerCertificate }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port: server.port, path, ca: certificate.roots, agent: false, ...client },
      (response) => {
        const peer = (response.socket as unknown as { getPeerCertificate(): PeerCertificate }).getPeerCertificate();
        response.resume().on("end", () => resolve({ code: response.statusCode ?? 0, peer }));
      },
    );
    call.on("error", reject).end();
  });
}

const asAdmin = (): Client => ({ cert: admin.chain.join(""), key: admin.key.reveal() });

test("the administrator's certificate opens the API; none, or another authority's, does not", async () => {
  assert.equal((await get("/apis", asAdmin())).code, 200);
  assert.equal((await get("/apis")).code, 401);
  assert.equal((await get("/version")).code, 200);
  // A certificate of the mesh is no certificate of the API, whatever it says.
  const mesh: Client = { cert: certificate.chain.join(""), key: certificate.key.reveal() };
  assert.equal((await get("/apis", mesh)).code, 401);
});

test("a certificate that has expired since the handshake proves nothing", async () => {
  skewMs = 2 * 365 * 86_400_000;
  assert.equal((await get("/apis", asAdmin())).code, 401);
  skewMs = 0;
  assert.equal((await get("/apis", asAdmin())).code, 200);
});

test("a renewed certificate is taken up by new connections", async () => {
  const before = (await get("/version")).peer.serialNumber;
  server.useCertificate(await authority.signServer(controlPlaneNames("istio-system", [])));
  assert.notEqual((await get("/version")).peer.serialNumber, before);
});

test("no session ticket is given, also after the certificate was renewed", async () => {
  const ticket = async (): Promise<Buffer | undefined> => {
    const place = { host: "127.0.0.1", port: server.port, ca: certificate.roots };
    const socket = tlsConnect({ ...place, maxVersion: "TLSv1.2" });
    await once(socket, "secureConnect");
    const given = socket.getTLSTicket();
    socket.destroy();
    return given;
  };
  assert.equal(await ticket(), undefined);
  server.useCertificate(await authority.signServer(controlPlaneNames("istio-system", [])));
  assert.equal(await ticket(), undefined);
});

test("old protocol versions are refused", async () => {
  const socket = tlsConnect({
    host: "127.0.0.1",
    port: server.port,
    ca: certificate.roots,
    maxVersion: "TLSv1.1",
    minVersion: "TLSv1.1",
    // Without this the client itself refuses to speak it.
    ciphers: "DEFAULT@SECLEVEL=0",
  });
  const [error] = (await once(socket, "error")) as [Error];
  assert.match(error.message, /alert protocol version/);
});

test("upgrades and tunnels are cut", async () => {
  const socket = tlsConnect({ host: "127.0.0.1", port: server.port, ca: certificate.roots });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  socket.write("GET /apis HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await once(socket, "close");
});

test("a packet of pipelined requests closes the connection; one after the other they share it", async (t) => {
  const socket = tlsConnect({ host: "127.0.0.1", port: server.port, ca: certificate.roots });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  let answers = "";
  socket.on("data", (bytes) => {
    answers += bytes;
  });
  socket.write("GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200));
  await once(socket, "close");
  assert.ok(answers.split("HTTP/1.1 200").length <= 1 + pipelineLimit);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: certificate.roots });
  t.after(() => agent.destroy());
  const ports = new Set<number | undefined>();
  for (let count = 0; count < 50; count += 1) {
    const [response] = (await once(
      request({ host: "127.0.0.1", port: server.port, path: "/version", agent }).end(),
      "response",
    )) as [IncomingMessage];
    ports.add(response.socket.localPort);
    await once(response.resume(), "end");
  }
  assert.equal(ports.size, 1);
});

test("a port that is taken, or a key that does not fit, is one clear error", async () => {
  const options = { host: "127.0.0.1", certificate, clientAuthority: admin.roots, handler: rig.api.handler };
  const isListenError = (error: LateenError): boolean => error.code === "LAT5118";
  await assert.rejects(ApiServer.listen({ ...options, port: server.port }), isListenError);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { reveal: () => privateKey.export({ type: "pkcs8", format: "pem" }) as string } as typeof certificate.key;
  await assert.rejects(
    ApiServer.listen({ ...options, port: 0, certificate: { chain: certificate.chain, key } }),
    isListenError,
  );
});

test("the kubeconfig holds what a client needs, and prints as nothing", () => {
  const config = adminKubeconfig({
    server: "https://127.0.0.1:15013",
    serverRoots: certificate.roots,
    certificate: admin.chain.join(""),
    key: admin.key,
  });
  assert.equal(String(config), "[redacted]");
  const { clusters, users, contexts, ...rest } = JSON.parse(config.reveal());
  assert.equal(rest["current-context"], contexts[0].name);
  assert.equal(clusters[0].cluster.server, "https://127.0.0.1:15013");
  assert.match(Buffer.from(users[0].user["client-key-data"], "base64").toString(), /PRIVATE KEY/);
});
