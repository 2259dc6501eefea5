import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { IstioCertificateService } from "../../../gen/istio/v1/auth/ca_pb.ts";
import { MachineService } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { newRequest } from "../../ca/authority.fake.ts";
import { parseJoinToken } from "../../identity/join-token.ts";
import { workloadSpiffeId } from "../../identity/spiffe-id.ts";
import { type CaServer, caServer, workloadGroup } from "./ca-server.fake.ts";

let server: CaServer;

before(async () => {
  server = await caServer();
  server.groups.set("shop/reviews", workloadGroup("shop", "reviews", { template: { serviceAccount: "reviews" } }));
});
after(() => server.close());
beforeEach(() => server.clock.advance(10_000)); // what earlier tests guessed is forgotten

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});

function refusedWith(code: Code, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(Code[error.code], Code[code], error.message);
    assert.match(error.rawMessage, text);
    return true;
  };
}

test("a join token gives an Istio agent the identity of its group, once", async () => {
  const client = server.client(IstioCertificateService);
  const token = await server.token();
  const { certChain } = await client.createCertificate({ csr: await newRequest() }, bearer(token));
  assert.equal(certChain.length, 3);
  assert.ok(certChain.every((pem) => pem.endsWith("-----END CERTIFICATE-----\n")));
  assert.equal(certChain.at(-1), server.authority.roots());
  const [leaf, issuing, root] = certChain.map((pem) => new X509Certificate(pem)) as [
    X509Certificate,
    X509Certificate,
    X509Certificate,
  ];
  assert.equal(leaf.subjectAltName, "URI:spiffe://cluster.local/ns/shop/sa/reviews");
  assert.ok(leaf.verify(issuing.publicKey) && issuing.verify(root.publicKey));
  await assert.rejects(
    client.createCertificate({ csr: await newRequest() }, bearer(token)),
    refusedWith(Code.Unauthenticated, /LAT3107 .*was used before/),
  );
});

test("a client certificate gives the same identity again, and goes before an old token", async () => {
  const id = workloadSpiffeId(server.authority.trustDomain, "shop", "ratings");
  const client = server.client(IstioCertificateService, await server.identity(id));
  const { certChain } = await client.createCertificate(
    { csr: await newRequest(), validityDuration: 3600n },
    bearer("eyJhbGciOiJub25lIn0.e30."),
  );
  const leaf = new X509Certificate(certChain[0] as string);
  assert.equal(leaf.subjectAltName, `URI:${id}`);
  assert.equal(leaf.validToDate.getTime() - leaf.validFromDate.getTime(), 3_600_000 + 360_000);
});

test("a certificate is not exchanged for one that lives longer than the control plane says", async () => {
  const id = workloadSpiffeId(server.authority.trustDomain, "shop", "ratings");
  const client = server.client(IstioCertificateService, await server.identity(id));
  const validityDuration = BigInt(90 * 86_400);
  const { certChain } = await client.createCertificate({ csr: await newRequest(), validityDuration });
  const leaf = new X509Certificate(certChain[0] as string);
  // X.509 has whole seconds.
  assert.equal(leaf.validToDate.getTime(), Math.floor((server.clock.now() + 86_400_000) / 1000) * 1000);
});

test("without a proof there is no certificate", async () => {
  const client = server.client(IstioCertificateService);
  const csr = await newRequest();
  await assert.rejects(client.createCertificate({ csr }), refusedWith(Code.Unauthenticated, /LAT3201/));
  for (const authorization of ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a,Bearer b"]) {
    await assert.rejects(
      client.createCertificate({ csr }, { headers: { authorization } }),
      refusedWith(Code.Unauthenticated, /LAT3201/),
      authorization,
    );
  }
});

test("X2: odd bearer tokens are unauthenticated", async () => {
  const client = server.client(IstioCertificateService);
  const csr = await newRequest();
  for (const token of ["null", "[]", "0", "..."]) {
    await assert.rejects(
      client.createCertificate({ csr }, bearer(token)),
      refusedWith(Code.Unauthenticated, /LAT3107/),
    );
  }
});

test("T11: guesses from one address are slowed", async () => {
  const own = await caServer();
  try {
    const client = own.client(IstioCertificateService);
    const csr = await newRequest();
    for (let count = 0; count < 5; count++) {
      await assert.rejects(
        client.createCertificate({ csr }, bearer("guess")),
        refusedWith(Code.Unauthenticated, /LAT3107/),
      );
    }
    await assert.rejects(
      client.createCertificate({ csr }, bearer("guess")),
      refusedWith(Code.ResourceExhausted, /LAT3108/),
    );
  } finally {
    await own.close();
  }
});

test("a request that fails for another reason does not cost the token", async () => {
  const client = server.client(IstioCertificateService);
  const token = await server.token();
  await assert.rejects(
    client.createCertificate({ csr: "not a request" }, bearer(token)),
    refusedWith(Code.InvalidArgument, /LAT3003/),
  );
  await assert.rejects(
    client.createCertificate({ csr: await newRequest(), validityDuration: 7_776_001n }, bearer(token)),
    refusedWith(Code.InvalidArgument, /LAT3105/),
  );
  await assert.rejects(
    client.createCertificate({ csr: await newRequest(), metadata: { ImpersonatedIdentity: "x" } }, bearer(token)),
    refusedWith(Code.PermissionDenied, /LAT3204/),
  );
  await client.createCertificate({ csr: await newRequest() }, bearer(token));
});

test("a token of a group that does not exist waits for the group", async () => {
  const client = server.client(IstioCertificateService);
  const token = await server.token("shop/later");
  await assert.rejects(
    client.createCertificate({ csr: await newRequest() }, bearer(token)),
    refusedWith(Code.FailedPrecondition, /LAT3202 .*shop\/later/),
  );
  server.groups.set("shop/later", workloadGroup("shop", "later", { template: {} }));
  const { certChain } = await client.createCertificate({ csr: await newRequest() }, bearer(token));
  assert.equal(
    new X509Certificate(certChain[0] as string).subjectAltName,
    "URI:spiffe://cluster.local/ns/shop/sa/default",
  );
});

test("T9, T18: one token on both services from many clients at once is good exactly once", async () => {
  const token = await server.token();
  const istio = server.client(IstioCertificateService);
  const own = server.client(MachineService);
  const csr = await newRequest();
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) =>
      index % 2 === 0 ? istio.createCertificate({ csr }, bearer(token)) : own.join({ csr }, bearer(token)),
    ),
  );
  assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
  for (const result of results) {
    if (result.status === "rejected") refusedWith(Code.Unauthenticated, /LAT3107/)(result.reason);
  }
});

test("a request over the limit is refused before it is read", async () => {
  const client = server.client(IstioCertificateService);
  await assert.rejects(
    client.createCertificate({ csr: "x".repeat(100_000) }, bearer(await server.token())),
    refusedWith(Code.ResourceExhausted, /./),
  );
});

test("where the listener says nothing of the caller, nothing is proven", async () => {
  const transport = createRouterTransport(server.routes);
  const client = createClient(IstioCertificateService, transport);
  await assert.rejects(
    client.createCertificate({ csr: await newRequest() }, bearer(await server.token())),
    refusedWith(Code.Unauthenticated, /plaintext/),
  );
});

test("a defect is logged, and the caller learns nothing of it", async () => {
  const client = server.client(IstioCertificateService);
  const { get } = server.store;
  server.store.get = () => Promise.reject(new TypeError("inner words"));
  try {
    await assert.rejects(
      client.createCertificate({ csr: await newRequest() }, bearer(await server.token())),
      refusedWith(Code.Internal, /^internal error$/),
    );
  } finally {
    server.store.get = get;
  }
  assert.ok(server.lines.some((line) => line.level === "error" && line["error"] === "inner words"));
});

test("T21: tokens show in no log line", async () => {
  const token = await server.token();
  await server.client(IstioCertificateService).createCertificate({ csr: await newRequest() }, bearer(token));
  const text = JSON.stringify(server.lines);
  assert.ok(text.includes("issued a certificate"));
  assert.ok(!text.includes(parseJoinToken(token).secret.reveal()));
});
