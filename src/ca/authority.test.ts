import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, test } from "node:test";
import { type CertificateInfo, readCertificate } from "../identity/certificate-info.ts";
import { createCertificateRequest } from "../identity/certificate-request.ts";
import { greedyRequest } from "../identity/greedy-request.fake.ts";
import { decodePem, encodePem } from "../identity/pem.ts";
import { ecSigner, rsaSigner } from "../identity/signer.fake.ts";
import { parseSpiffeId, workloadSpiffeId } from "../identity/spiffe-id.ts";
import { svidSpiffeId } from "../identity/x509-svid.ts";
import { authorityBed, newRequest } from "./authority.fake.ts";
import type { IssuedCertificate } from "./authority.ts";
import { readKeyPair } from "./key-pair.ts";
import { controlPlaneNames } from "./server-names.ts";

const bed = authorityBed();
const authority = await bed.open();
after(() => bed.dispose());
const { clock } = bed.options;
const id = workloadSpiffeId(authority.trustDomain, "shop", "reviews");
const minuteMs = 60_000;
const read = (issued: IssuedCertificate): CertificateInfo =>
  readCertificate(decodePem("CERTIFICATE", issued.chain[0] ?? "")[0] ?? new Uint8Array());
const dayMs = 86_400_000;

test("a workload's certificate carries the proven id and verifies up to the root", async () => {
  const signer = ecSigner();
  const issued = await authority.signWorkload(await createCertificateRequest(signer), id);
  assert.equal(issued.chain.length, 2);
  assert.ok([...issued.chain, issued.roots].every((pem) => pem.endsWith("-----END CERTIFICATE-----\n")));
  const [leaf, issuing] = issued.chain.map((pem) => new X509Certificate(pem)) as [X509Certificate, X509Certificate];
  const root = new X509Certificate(authority.roots());
  assert.ok(leaf.verify(issuing.publicKey) && leaf.checkIssued(issuing));
  assert.ok(issuing.verify(root.publicKey) && issuing.checkIssued(root));
  assert.ok(issuing.ca && root.ca && !leaf.ca);
  assert.equal(svidSpiffeId(read(issued)), id);
  assert.deepEqual(read(issued).publicKey, signer.publicKey);
});

test("C1, C3: names and extensions that a request asks for are not copied", async () => {
  const certificate = read(await authority.signWorkload(greedyRequest, id));
  assert.deepEqual(certificate.uris, [id]);
  assert.deepEqual([certificate.dnsNames, certificate.ipAddresses], [[], []]);
  assert.equal(certificate.subject, "");
  assert.equal(certificate.isAuthority || certificate.signsOthers, false);
  const text = new X509Certificate(certificate.der).toString();
  assert.ok(!Buffer.from(certificate.der).includes("custom") && !Buffer.from(certificate.der).includes("evil"), text);
});

test("F7: a certificate begins 10 minutes early and lives 24 hours by default", async () => {
  const certificate = read(await authority.signWorkload(await newRequest(), id));
  assert.equal(certificate.notBeforeMs, clock.now() - 10 * minuteMs);
  assert.equal(certificate.notAfterMs, clock.now() + dayMs);
  const issued = await authority.signWorkload(await newRequest(), id);
  const { serial, notBeforeMs, notAfterMs } = read(issued);
  assert.deepEqual(
    { serial, notBeforeMs, notAfterMs },
    { serial: issued.serial, notBeforeMs: issued.notBeforeMs, notAfterMs: issued.notAfterMs },
  );
});

test("a short life is not half over when it begins, which is when it is renewed", async () => {
  const certificate = read(await authority.signWorkload(await newRequest(), id, 60n));
  assert.equal(clock.now() - certificate.notBeforeMs, 6000);
  assert.equal(certificate.notAfterMs - clock.now(), 60_000);
});

test("C5: lifetimes are granted where they are shorter, and refused above 90 days", async () => {
  const lifetimes: [bigint, number][] = [
    [0n, dayMs],
    [-1n, dayMs],
    [-(2n ** 63n), dayMs],
    [1n, 1000],
    [3600n, 3_600_000],
    [86_401n, dayMs],
    [7_776_000n, dayMs],
  ];
  for (const [seconds, expected] of lifetimes) {
    const certificate = read(await authority.signWorkload(await newRequest(), id, seconds));
    assert.equal(certificate.notAfterMs - clock.now(), expected, `${seconds} s`);
  }
  for (const seconds of [7_776_001n, 2n ** 63n - 1n]) {
    await assert.rejects(authority.signWorkload(await newRequest(), id, seconds), { code: "LAT3105" });
  }
});

test("the control plane says how long certificates live, whatever who asks", async () => {
  const strict = authorityBed();
  const own = await strict.open({ workloadLifetimeMs: 3_600_000 });
  for (const [seconds, expected] of [
    [0n, 3_600_000],
    [7_776_000n, 3_600_000],
    [60n, 60_000],
  ] as const) {
    const certificate = read(await own.signWorkload(await newRequest(), id, seconds));
    assert.equal(certificate.notAfterMs - strict.options.clock.now(), expected, `${seconds} s`);
  }
  await strict.dispose();
});

test("only workloads of the trust domain get certificates", async () => {
  for (const other of ["spiffe://evil.example/ns/a/sa/b", "spiffe://cluster.local", "spiffe://cluster.local/admin"]) {
    await assert.rejects(authority.signWorkload(await newRequest(), parseSpiffeId(other)), { code: "LAT3106" });
  }
});

test("C4: a request whose signature is not by its key, or is over other bytes, is refused", async () => {
  const signer = ecSigner();
  const other = ecSigner();
  const forged = await createCertificateRequest({ ...signer, sign: (bytes) => other.sign(bytes) });
  await assert.rejects(authority.signWorkload(forged, id), { code: "LAT3104" });
  const elsewhere = await createCertificateRequest({ ...signer, sign: () => signer.sign(new Uint8Array(10)) });
  await assert.rejects(authority.signWorkload(elsewhere, id), { code: "LAT3104" });
  const garbage = await createCertificateRequest({ ...signer, sign: async () => new Uint8Array([1, 2, 3]) });
  await assert.rejects(authority.signWorkload(garbage, id), { code: "LAT3104" });
});

test("C4: a point that is not on its curve is refused", async () => {
  const signer = ecSigner();
  const publicKey = new Uint8Array(signer.publicKey);
  publicKey[publicKey.length - 1] = (publicKey.at(-1) ?? 0) ^ 1;
  await assert.rejects(authority.signWorkload(await createCertificateRequest({ ...signer, publicKey }), id), {
    code: "LAT3104",
  });
});

test("C4: nobody gets a certificate for a key of the authority itself", async () => {
  const { readFileSync } = await import("node:fs");
  const text = readFileSync(`${bed.options.dataFolder}/ca/issuing.pem`, "utf8");
  const own = readKeyPair(text.slice(text.indexOf("-----BEGIN PRIVATE KEY")));
  await assert.rejects(authority.signWorkload(await createCertificateRequest(own.signer), id), { code: "LAT3104" });
});

test("RSA and P-384 keys are served too", async () => {
  for (const signer of [rsaSigner(2048), ecSigner("P-384", "ecdsa-sha384")]) {
    const certificate = read(await authority.signWorkload(await createCertificateRequest(signer), id));
    assert.deepEqual(certificate.publicKey, signer.publicKey);
  }
});

test("garbage is refused with its own code", async () => {
  await assert.rejects(authority.signWorkload("", id), { code: "LAT3003" });
  const noDer = encodePem("CERTIFICATE REQUEST", new Uint8Array([1, 2, 3]));
  await assert.rejects(authority.signWorkload(noDer, id), { code: "LAT3004" });
});

test("serial numbers differ", async () => {
  const request = await newRequest();
  const issued = await Promise.all(Array.from({ length: 50 }, () => authority.signWorkload(request, id)));
  assert.equal(new Set(issued.map((one) => one.serial)).size, 50);
});

test("the server's certificate has every name, no id, and its chain ends with the root", async () => {
  const names = controlPlaneNames("mesh-system", ["cp.example.com", "192.0.2.7", "2001:db8::7", "localhost"]);
  const server = await authority.signServer(names);
  const leaf = new X509Certificate(server.chain[0] as string);
  for (const name of ["istiod.mesh-system.svc", "istiod.istio-system.svc", "cp.example.com", "localhost"]) {
    assert.equal(leaf.checkHost(name), name);
  }
  for (const ip of ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::7"]) assert.equal(leaf.checkIP(ip), ip);
  assert.throws(() => svidSpiffeId(read(server)), { code: "LAT3007" });
  assert.equal(server.chain.at(-1), authority.roots());
  assert.ok(readKeyPair(server.key.reveal()));
});

test("an administrator's certificate is of another root, and is no workload", async () => {
  const admin = await authority.signAdmin();
  const leaf = new X509Certificate(admin.chain[0] as string);
  const api = new X509Certificate(authority.apiRoots());
  const root = new X509Certificate(authority.roots());
  assert.ok(leaf.verify(api.publicKey) && leaf.checkIssued(api));
  assert.equal(leaf.verify(root.publicKey), false);
  assert.match(leaf.subject, /O=system:masters\nCN=lateen-admin/);
  assert.throws(() => svidSpiffeId(read(admin)), { code: "LAT3007" });
  const { chain } = await authority.signWorkload(await newRequest(), id);
  for (const pem of chain) assert.equal(new X509Certificate(pem).verify(api.publicKey), false);
});

test("advertised names that no client could ask for are refused", () => {
  for (const name of ["", "*.example.com", "https://cp", "cp:15012", "a b", "1.2.3.4.5", "fe80::1%eth0", "ü", "a..b"]) {
    assert.throws(() => controlPlaneNames("istio-system", [name]), { code: "LAT3110" }, name);
  }
  assert.throws(() => controlPlaneNames("istio-system", Array<string>(101).fill("a")), { code: "LAT3110" });
  assert.deepEqual(controlPlaneNames("istio-system", ["CP.Example.com"]).dnsNames, [
    "istiod.istio-system.svc",
    "localhost",
    "cp.example.com",
  ]);
});

test("T21: keys show in no printing of what is issued", async () => {
  const { inspect } = await import("node:util");
  const server = await authority.signServer(controlPlaneNames("istio-system", []));
  assert.ok(!inspect(server, { depth: 9 }).includes("PRIVATE"));
  assert.ok(!JSON.stringify(bed.lines).includes("PRIVATE"));
});

test("metrics count under Istio's names", async () => {
  const text = await bed.options.metrics.text();
  for (const name of [
    "citadel_server_csr_count",
    "citadel_server_csr_parsing_err_count",
    "citadel_server_id_extraction_err_count",
    "citadel_server_success_cert_issuance_count",
    "citadel_server_root_cert_expiry_timestamp",
    "citadel_server_cert_chain_expiry_seconds",
  ]) {
    assert.match(text, new RegExp(`^${name} [1-9]`, "m"), name);
  }
});
