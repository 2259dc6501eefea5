import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { createCertificateRequest } from "../../identity/certificate-request.ts";
import { createJoinToken, formatJoinToken, joinTokenRandomBytes } from "../../identity/join-token.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { type Clock, systemClock } from "../../kernel/clock.ts";
import { LateenError } from "../../kernel/error.ts";
import { systemRandom } from "../../kernel/random.ts";
import { Secret } from "../../kernel/secret.ts";
import { createKeyPair } from "../identity/key-pair.ts";
import { assembleIdentity } from "../identity/machine-identity.ts";
import { testAuthority } from "../identity/test-authority.fake.ts";
import { type FakeControlPlaneOptions, fakeControlPlaneServer } from "./control-plane-server.fake.ts";
import { join } from "./join.ts";
import { MachineClient } from "./machine-client.ts";
import { materialOf } from "./tls-material.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof LateenError && error.code === code;
const names = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] };
const hour = 3_600_000;

async function setUp(t: { after(fn: () => Promise<void>): void }, options: FakeControlPlaneOptions = {}) {
  const server = await fakeControlPlaneServer(options);
  t.after(() => server.stop());
  const attempt = async (over: { token?: Secret<string>; host?: string; clock?: Clock } = {}) => {
    const keys = await createKeyPair();
    const request = {
      address: { host: over.host ?? "127.0.0.1", port: server.port },
      token: over.token ?? server.token,
      addresses: ["10.0.0.1"],
      agentVersion: "0.1.0",
      capabilities: ["query"],
    };
    const csr = await createCertificateRequest(keys.signer);
    const { issued } = await join(request, csr, over.clock ?? systemClock);
    return assembleIdentity(issued, keys.privateKey);
  };
  return { server, attempt };
}

test("a token joins a machine: verified by its pin, proven by its secret", async (t) => {
  const { server, attempt } = await setUp(t);
  const identity = await attempt();
  assert.equal(identity.spiffeId, "spiffe://cluster.local/ns/shop/sa/reviews");
  assert.equal(server.joins[0]?.hello?.protocolVersion, 1);
  assert.deepEqual(server.joins[0]?.addresses, ["10.0.0.1"]);
  await attempt({ host: "localhost", token: new Secret(` ${server.token.reveal()}\n`) });
  assert.deepEqual(server.failedHandshakes, [], "operators are told of those");
});

test("a server of another mesh never sees the token (C13)", async (t) => {
  const { attempt, server } = await setUp(t);
  const other = await testAuthority();
  const token = new Secret(formatJoinToken(createJoinToken(systemRandom.bytes(joinTokenRandomBytes), other.pin)));
  await assert.rejects(attempt({ token }), hasCode("LAT3304"));
  assert.equal(server.joins.length, 0);
});

test("a server that presents the mesh's root without being signed by it is refused", async (t) => {
  const authority = await testAuthority();
  const imposter = await (await testAuthority()).server(names);
  const [leaf = "", issuing = ""] = imposter.chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  for (const chain of [leaf + issuing + authority.root, leaf + authority.root]) {
    const { attempt, server } = await setUp(t, { authority, presents: { chain, key: imposter.key } });
    await assert.rejects(attempt(), hasCode("LAT3304"));
    assert.equal(server.joins.length, 0);
  }
});

test("a certificate for another name, and one out of its time, are refused", async (t) => {
  const authority = await testAuthority();
  const elsewhere = await authority.server({ dnsNames: ["other.example"] });
  const one = await setUp(t, { authority, presents: elsewhere });
  await assert.rejects(one.attempt(), (error) => {
    assert.ok(hasCode("LAT3304")(error));
    assert.match((error as Error).message, /does not name \S+, but other\.example$/);
    return true;
  });
  const past = await authority.server(names, { fromMs: Date.now() - 2 * hour, toMs: Date.now() - hour });
  const two = await setUp(t, { authority, presents: past });
  await assert.rejects(two.attempt(), hasCode("LAT3304"));
  const future = await authority.server(names, { fromMs: Date.now() + hour, toMs: Date.now() + 2 * hour });
  const three = await setUp(t, { authority, presents: future });
  await assert.rejects(three.attempt(), hasCode("LAT3304"));
});

test("a used token is refused with the server's reason", async (t) => {
  const { attempt, server } = await setUp(t);
  const token = new Secret(
    formatJoinToken(createJoinToken(systemRandom.bytes(joinTokenRandomBytes), server.authority.pin)),
  );
  await assert.rejects(attempt({ token }), (error) => {
    assert.ok(hasCode("LAT3305")(error));
    assert.match((error as Error).message, /the token was used already/);
    assert.doesNotMatch((error as Error).message, new RegExp(token.reveal()));
    return true;
  });
});

test("a control plane that does not look at the call is busy, and the token is as good as before", async (t) => {
  const { attempt, server } = await setUp(t, { busy: 1 });
  await assert.rejects(attempt(), hasCode("LAT3309"));
  assert.equal(server.joins.length, 0);
  await attempt();
});

test("what is no token is said to be none, before anything is sent", async (t) => {
  const { attempt, server } = await setUp(t);
  await assert.rejects(attempt({ token: new Secret("lateen1.x") }), hasCode("LAT3008"));
  assert.equal(server.sessions.size, 0);
});

test("an answer whose roots lack the pinned one is refused", async (t) => {
  const other = await testAuthority();
  const { attempt } = await setUp(t, { roots: [other.root] });
  await assert.rejects(attempt(), hasCode("LAT3306"));
});

test("nobody there, and somebody who does not speak TLS, are told apart from a refusal", async (t) => {
  const { attempt, server } = await setUp(t);
  await server.stop();
  await assert.rejects(attempt(), hasCode("LAT3303"));
  const plain = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((resolve) => plain.listen(server.port, "127.0.0.1", resolve));
  t.after(() => new Promise<void>((resolve) => plain.close(() => resolve())));
  await assert.rejects(attempt(), (error) => {
    assert.ok(hasCode("LAT3303")(error));
    assert.match((error as Error).message, /^cannot reach \S+: what answers there does not speak TLS$/);
    return true;
  });
});

test("a server that takes the connection and says nothing is given up", async (t) => {
  const clock = new FakeClock();
  const { attempt, server } = await setUp(t);
  await server.stop();
  const connected = Promise.withResolvers<void>();
  const silent = createServer((socket) => {
    socket.on("error", () => {});
    connected.resolve();
  });
  await new Promise<void>((resolve) => silent.listen(server.port, "127.0.0.1", resolve));
  t.after(() => new Promise<void>((resolve) => silent.close(() => resolve())));
  const refused = assert.rejects(attempt({ clock }), hasCode("LAT3303"));
  await connected.promise;
  await clock.advance(10_000);
  await refused;
});

test("a control plane that says later to a renewal is busy, and nothing is wrong with the machine", async (t) => {
  const renewalError = new ConnectError("LAT3206 too often: try again in 10 s. Nothing.", Code.ResourceExhausted);
  const { attempt, server } = await setUp(t, { renewalError });
  const material = materialOf(await attempt());
  const csr = await createCertificateRequest((await createKeyPair()).signer);
  const client = new MachineClient({ address: { host: "127.0.0.1", port: server.port }, material });
  await assert.rejects(client.renew(csr), (error) => {
    assert.ok(hasCode("LAT3309")(error));
    assert.match((error as Error).message, /try again in 10 s/);
    return true;
  });
});

test("renewal proves the present certificate, and trusts only the roots it came with", async (t) => {
  const { attempt, server } = await setUp(t);
  const identity = await attempt();
  const address = { host: "127.0.0.1", port: server.port };
  const keys = await createKeyPair();
  const csr = await createCertificateRequest(keys.signer);
  const { certChain, rootCerts } = await new MachineClient({ address, material: materialOf(identity) }).renew(csr);
  const renewed = assembleIdentity({ chain: certChain, roots: rootCerts }, keys.privateKey);
  assert.equal(renewed.spiffeId, identity.spiffeId);
  const stranger = { roots: (await testAuthority()).root };
  await assert.rejects(new MachineClient({ address, material: stranger }).renew(csr), hasCode("LAT3304"));
});
