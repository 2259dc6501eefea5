import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { IstioCertificateService } from "../../../gen/istio/v1/auth/ca_pb.ts";
import { MachineService } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { newRequest } from "../../ca/authority.fake.ts";
import { createCertificateRequest } from "../../identity/certificate-request.ts";
import { ecSigner } from "../../identity/signer.fake.ts";
import { workloadSpiffeId } from "../../identity/spiffe-id.ts";
import { serveErrors } from "../errors.ts";
import { type CaServer, caServer, meshSettings, workloadGroup } from "./ca-server.fake.ts";
import { machineConfigOf } from "./machine-config.ts";

let server: CaServer;
const group = workloadGroup("shop", "reviews", { template: { serviceAccount: "reviews", ports: { http: 9080 } } });

before(async () => {
  server = await caServer();
  server.groups.set("shop/reviews", group);
});
after(() => server.close());

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});
const refusedWith =
  (code: Code, text: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ConnectError);
    assert.equal(Code[error.code], Code[code], error.message);
    assert.match(error.rawMessage, text);
    return true;
  };

test("a machine joins with its token and gets identity, name and configuration", async () => {
  const client = server.client(MachineService);
  const response = await client.join(
    { hello: { protocolVersion: 1 }, csr: await newRequest(), name: "vm-7", addresses: ["10.0.0.7"] },
    bearer(await server.token()),
  );
  assert.equal(response.spiffeId, "spiffe://cluster.local/ns/shop/sa/reviews");
  assert.equal(response.name, "vm-7");
  assert.equal(response.hello?.protocolVersion, 1);
  assert.equal(response.certChain.length, 2);
  assert.deepEqual(response.rootCerts, [server.authority.roots()]);
  const leaf = new X509Certificate(response.certChain[0] as string);
  assert.equal(leaf.subjectAltName, `URI:${response.spiffeId}`);
  assert.deepEqual(response.machine, machineConfigOf(group, meshSettings));
  assert.equal(response.machine?.workloads[0]?.ports["http"], 9080);
  assert.ok(server.lines.some((line) => line.msg === "a machine joined" && line["name"] === "vm-7"));
});

test("a machine without a name gets one of its address", async () => {
  const client = server.client(MachineService);
  const join = async (addresses: string[]): Promise<string> =>
    (await client.join({ csr: await newRequest(), addresses }, bearer(await server.token()))).name;
  assert.equal(await join(["192.0.2.17", "2001:db8::1"]), "vm-192-0-2-17");
  assert.equal(await join(["2001:db8::1"]), "vm-2001-db8-1");
  assert.match(await join([]), /^vm-[a-z2-7]{8}$/);
  assert.match(await join(["::"]), /^vm-[a-z2-7]{8}$/);
});

test("T15: odd names and addresses are refused, and do not cost the token", async () => {
  const client = server.client(MachineService);
  const token = await server.token();
  const csr = await newRequest();
  for (const name of ["VM", "a.b", "a/b", "../x", "-a", "a_b", "a\0", "ü", "a".repeat(64)]) {
    await assert.rejects(client.join({ csr, name }, bearer(token)), refusedWith(Code.InvalidArgument, /LAT3203/), name);
  }
  for (const addresses of [
    ["x"],
    ["1.2.3.4/8"],
    ["fe80::1%eth0"],
    Array<string>(65).fill("10.0.0.1"),
    ["1".repeat(5000)],
  ]) {
    await assert.rejects(client.join({ csr, addresses }, bearer(token)), refusedWith(Code.InvalidArgument, /LAT3203/));
  }
  await assert.rejects(client.join({ csr: "" }, bearer(token)), refusedWith(Code.InvalidArgument, /LAT3003/));
  await client.join({ csr, name: "good" }, bearer(token));
});

test("a certificate does not replace the token at a join", async () => {
  const id = workloadSpiffeId(server.authority.trustDomain, "shop", "reviews");
  const client = server.client(MachineService, await server.identity(id));
  await assert.rejects(client.join({ csr: await newRequest() }), refusedWith(Code.Unauthenticated, /LAT3201/));
});

test("renewal gives the proven identity a new certificate", async () => {
  const id = workloadSpiffeId(server.authority.trustDomain, "shop", "reviews");
  const client = server.client(MachineService, await server.identity(id));
  const response = await client.renew({ csr: await newRequest() });
  assert.equal(new X509Certificate(response.certChain[0] as string).subjectAltName, `URI:${id}`);
  assert.deepEqual(response.rootCerts, [server.authority.roots()]);
});

test("a machine that renews without end is told to wait, whichever call and certificate it uses", async () => {
  const id = workloadSpiffeId(server.authority.trustDomain, "shop", "tireless");
  const own = await server.identity(id);
  const signer = ecSigner();
  const csr = await createCertificateRequest(signer);
  const { certChain } = await server.client(MachineService, own).renew({ csr });
  const renewed = {
    cert: certChain.join(""),
    key: signer.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
  const client = server.client(MachineService, renewed);
  for (let count = 1; count < 8; count++) await client.renew({ csr });
  const istio = server.client(IstioCertificateService, own);
  const waits = refusedWith(Code.ResourceExhausted, /^LAT3206 .*try again in 10 s/);
  await assert.rejects(client.renew({ csr }), waits);
  await assert.rejects(istio.createCertificate({ csr }), waits);
  assert.equal((await server.authority.metrics.tooOften.get()).values[0]?.value, 2);
  await server.client(MachineService, await server.identity(id)).renew({ csr });
  await server.clock.advance(10_000);
  await istio.createCertificate({ csr });
});

test("T18: a join token renews and answers nothing", async () => {
  const client = server.client(MachineService);
  const token = await server.token();
  const csr = await newRequest();
  await assert.rejects(client.renew({ csr }, bearer(token)), refusedWith(Code.Unauthenticated, /LAT3201/));
  await assert.rejects(client.answer({ queryId: "q" }, bearer(token)), refusedWith(Code.Unauthenticated, /LAT3201/));
  await client.join({ csr }, bearer(token));
});

test("an administrator's certificate is nobody on the mesh's port", async () => {
  const admin = await server.authority.signAdmin();
  const client = server.client(MachineService, { cert: admin.chain.join(""), key: admin.key.reveal() });
  await assert.rejects(client.renew({ csr: await newRequest() }), refusedWith(Code.Unauthenticated, /LAT3201/));
});

test("an answer is handed on with the identity that gave it", async () => {
  const id = workloadSpiffeId(server.authority.trustDomain, "shop", "reviews");
  const client = server.client(MachineService, await server.identity(id));
  const body = new Uint8Array(5 << 20).fill(1);
  await client.answer({ queryId: "q-1", status: 200, contentType: "text/plain", body });
  assert.equal(server.answers[0]?.identity, id);
  assert.equal(server.answers[0]?.answer.queryId, "q-1");
  assert.equal(server.answers[0]?.answer.body.length, body.length);
  server.onAnswer = () => {
    throw serveErrors.unknownQuestion("nobody asked");
  };
  await assert.rejects(client.answer({ queryId: "q-2" }), refusedWith(Code.FailedPrecondition, /LAT2114/));
});
