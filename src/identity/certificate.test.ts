import assert from "node:assert/strict";
import { createPublicKey, randomBytes, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { assertSurvives, mutatedBytes } from "../kernel/mutation.fake.ts";
import { issueCertificate, selfSignCertificate, serialNumber } from "./certificate.ts";
import { readCertificate } from "./certificate-info.ts";
import { authorityProfile, clientProfile, serverProfile, workloadProfile } from "./certificate-profile.ts";
import { readPublicKey } from "./public-key.ts";
import { ecSigner, rsaSigner } from "./signer.fake.ts";
import { parseSpiffeId, trustDomainSpiffeId, workloadSpiffeId } from "./spiffe-id.ts";
import { readSvidFields } from "./svid-fields.ts";
import { parseTrustDomain } from "./trust-domain.ts";
import { svidSpiffeId } from "./x509-svid.ts";

const domain = parseTrustDomain("cluster.local");
const now = Date.UTC(2026, 0, 1);
const yearMs = 365 * 86_400_000;
const serial = (): Uint8Array => new Uint8Array(randomBytes(16));

const rootSigner = ecSigner();
const rootDer = await selfSignCertificate(
  {
    profile: authorityProfile({
      organization: domain,
      commonName: "root",
      spiffeId: trustDomainSpiffeId(domain),
      pathLength: 1,
    }),
    serial: serial(),
    notBeforeMs: now,
    notAfterMs: now + 10 * yearMs,
  },
  rootSigner,
);
const root = { certificate: readCertificate(rootDer), signer: rootSigner };
const id = workloadSpiffeId(domain, "shop", "reviews");
const leafKey = ecSigner();
const leafDer = await issueCertificate(
  {
    profile: workloadProfile(id, readPublicKey(leafKey.publicKey)),
    publicKey: leafKey.publicKey,
    serial: serial(),
    notBeforeMs: now + 1234,
    notAfterMs: now + yearMs,
  },
  root,
);

test("a root verifies itself and is an authority of its trust domain", () => {
  const x509 = new X509Certificate(rootDer);
  assert.ok(x509.ca);
  assert.ok(x509.verify(x509.publicKey));
  assert.ok(x509.checkIssued(x509));
  assert.equal(root.certificate.subject, "O=cluster.local,CN=root");
  assert.deepEqual(root.certificate.uris, ["spiffe://cluster.local"]);
  assert.equal(root.certificate.subjectKeyId, root.certificate.authorityKeyId);
});

test("a workload's certificate is an X509-SVID", () => {
  const x509 = new X509Certificate(leafDer);
  const rootX509 = new X509Certificate(rootDer);
  assert.ok(x509.verify(rootX509.publicKey));
  assert.ok(x509.checkIssued(rootX509));
  assert.ok(x509.checkPrivateKey(leafKey.privateKey));
  assert.equal(x509.ca, false);
  assert.equal(x509.subjectAltName, `URI:${id}`);
  const info = readCertificate(leafDer);
  assert.equal(info.subject, "");
  assert.deepEqual(info.uris, [id]);
  assert.deepEqual(info.dnsNames, []);
  assert.deepEqual(info.purposes, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  assert.equal(info.isAuthority, false);
  assert.equal(info.signsOthers, false);
  assert.equal(info.authorityKeyId, root.certificate.subjectKeyId);
  assert.equal(info.notBeforeMs, now + 1000);
  assert.equal(info.notAfterMs, now + yearMs);
  assert.equal(info.serial, x509.serialNumber.toLowerCase());
  assert.equal(info.serial.length, 32);
  assert.deepEqual(info.publicKey, leafKey.publicKey);
  assert.equal(svidSpiffeId(info), id);
});

test("the extensions are encoded and marked critical as the standards say", () => {
  const hex = Buffer.from(leafDer).toString("hex");
  const critical = "0101ff";
  assert.ok(hex.includes(`0603551d0f${critical}040403020388`), "keyUsage critical: digitalSignature, keyAgreement");
  assert.ok(hex.includes(`0603551d13${critical}04023000`), "basicConstraints critical, cA absent");
  assert.ok(hex.includes(`0603551d11${critical}`), "subjectAltName critical, as the subject is empty");
  const rootHex = Buffer.from(rootDer).toString("hex");
  assert.ok(rootHex.includes(`0603551d13${critical}040830060101ff020101`), "cA with pathLen 1");
  assert.ok(rootHex.includes(`0603551d0f${critical}040403020106`), "keyCertSign and cRLSign");
});

test("a request of an RSA key gets key encipherment instead of agreement", async () => {
  const rsa = rsaSigner(2048);
  const profile = workloadProfile(id, readPublicKey(rsa.publicKey));
  const order = { profile, publicKey: rsa.publicKey, serial: serial(), notBeforeMs: now, notAfterMs: now + 1000 };
  const der = await issueCertificate(order, root);
  assert.ok(Buffer.from(der).toString("hex").includes("0603551d0f0101ff0404030205a0"));
  assert.ok(new X509Certificate(der).verify(createPublicKey(rootSigner.privateKey)));
});

test("a server's certificate has names and addresses and no identity", async () => {
  const key = ecSigner();
  const names = {
    dnsNames: ["istiod.istio-system.svc", "localhost"],
    ipAddresses: ["127.0.0.1", "::1", "2001:db8::5"],
  };
  const profile = serverProfile("istiod.istio-system.svc", names, readPublicKey(key.publicKey));
  const der = await issueCertificate(
    { profile, publicKey: key.publicKey, serial: serial(), notBeforeMs: now, notAfterMs: now + 1000 },
    root,
  );
  const x509 = new X509Certificate(der);
  for (const name of names.dnsNames) assert.equal(x509.checkHost(name), name);
  for (const ip of names.ipAddresses) assert.equal(x509.checkIP(ip), ip);
  const info = readCertificate(der);
  assert.deepEqual(info.dnsNames, names.dnsNames);
  assert.deepEqual(info.purposes, ["1.3.6.1.5.5.7.3.1"]);
  assert.throws(() => svidSpiffeId(info), { code: "LAT3007" });
});

test("a client's certificate names a user and a group", async () => {
  const key = ecSigner();
  const profile = clientProfile({ commonName: "admin", organization: "system:masters" }, readPublicKey(key.publicKey));
  const der = await issueCertificate(
    { profile, publicKey: key.publicKey, serial: serial(), notBeforeMs: now, notAfterMs: now + 1000 },
    root,
  );
  const info = readCertificate(der);
  assert.equal(info.subject, "O=system:masters,CN=admin");
  assert.deepEqual(info.purposes, ["1.3.6.1.5.5.7.3.2"]);
});

test("C5: a certificate never outlives its issuer, and one that would never be valid is refused", async () => {
  const order = {
    profile: workloadProfile(id, readPublicKey(leafKey.publicKey)),
    publicKey: leafKey.publicKey,
    serial: serial(),
    notBeforeMs: now,
  };
  const long = readCertificate(await issueCertificate({ ...order, notAfterMs: now + 100 * yearMs }, root));
  assert.equal(long.notAfterMs, root.certificate.notAfterMs);
  for (const notAfterMs of [now, now + 999, now - 1, Number.NaN, -1]) {
    await assert.rejects(issueCertificate({ ...order, notAfterMs }, root), { code: "LAT3007" });
  }
  const late = { ...order, notBeforeMs: root.certificate.notAfterMs, notAfterMs: root.certificate.notAfterMs + yearMs };
  await assert.rejects(issueCertificate(late, root), { code: "LAT3007" });
});

test("a leaf cannot issue", async () => {
  const leaf = { certificate: readCertificate(leafDer), signer: leafKey };
  const order = { profile: workloadProfile(id, readPublicKey(leafKey.publicKey)), publicKey: leafKey.publicKey };
  await assert.rejects(
    issueCertificate({ ...order, serial: serial(), notBeforeMs: now, notAfterMs: now + yearMs }, leaf),
    { code: "LAT3007" },
  );
});

test("C1, C7: certificates that prove no single workload give no id", async () => {
  const info = readCertificate(leafDer);
  assert.throws(() => svidSpiffeId({ ...info, uris: [] }), { code: "LAT3007" });
  assert.throws(() => svidSpiffeId({ ...info, uris: [id, id] }), { code: "LAT3007" });
  assert.throws(() => svidSpiffeId({ ...info, uris: ["spiffe://cluster.local"] }), { code: "LAT3007" });
  assert.throws(() => svidSpiffeId({ ...info, uris: ["SPIFFE://cluster.local/ns/a/sa/b"] }), { code: "LAT3002" });
  assert.throws(() => svidSpiffeId({ ...info, isAuthority: true }), { code: "LAT3007" });
  assert.throws(() => svidSpiffeId({ ...info, signsOthers: true }), { code: "LAT3007" });
  assert.equal(svidSpiffeId(info), parseSpiffeId(id));
});

test("serial numbers are positive and of 16 bytes whatever the random bytes are", () => {
  assert.deepEqual([...serialNumber(new Uint8Array(16))].slice(0, 2), [0x40, 0]);
  assert.equal(serialNumber(new Uint8Array(16).fill(255))[0], 0x7f);
  assert.throws(() => serialNumber(new Uint8Array(15)), { code: "LAT3007" });
});

test("dates from 2050 on are written as RFC 5280 wants them", async () => {
  const order = { profile: workloadProfile(id, readPublicKey(leafKey.publicKey)), publicKey: leafKey.publicKey };
  const end = Date.UTC(2106, 1, 7);
  const signer = ecSigner();
  const profile = authorityProfile({ organization: "x", commonName: "y", pathLength: 0 });
  const far = await selfSignCertificate({ profile, serial: serial(), notBeforeMs: now, notAfterMs: end }, signer);
  const issuer = { certificate: readCertificate(far), signer };
  const der = await issueCertificate({ ...order, serial: serial(), notBeforeMs: now, notAfterMs: end }, issuer);
  assert.equal(readCertificate(der).notAfterMs, end);
  assert.equal(new X509Certificate(der).validToDate.getTime(), end);
});

/** What both readers say, where the one that reads everything takes the certificate. */
function assertFieldsAgree(der: Uint8Array): ReturnType<typeof readSvidFields> {
  const fields = readSvidFields(der);
  const { uris, isAuthority, signsOthers } = readCertificate(der);
  assert.deepEqual(fields, { uris, isAuthority, signsOthers });
  return fields;
}

test("the fields read at a handshake are those of the whole certificate", async () => {
  const key = ecSigner();
  const publicKey = readPublicKey(key.publicKey);
  const order = { publicKey: key.publicKey, serial: serial(), notBeforeMs: now, notAfterMs: now + 1000 };
  const names = { dnsNames: ["istiod.istio-system.svc"], ipAddresses: ["::1"] };
  const server = await issueCertificate({ ...order, profile: serverProfile("x", names, publicKey) }, root);
  const client = await issueCertificate(
    { ...order, profile: clientProfile({ commonName: "x", organization: "y" }, publicKey) },
    root,
  );
  assert.deepEqual(assertFieldsAgree(leafDer), { uris: [id], isAuthority: false, signsOthers: false });
  assert.deepEqual(assertFieldsAgree(rootDer), {
    uris: ["spiffe://cluster.local"],
    isAuthority: true,
    signsOthers: true,
  });
  for (const der of [server, client]) assert.deepEqual(assertFieldsAgree(der).uris, []);
});

test("10,000 damaged certificates are read the same at a handshake, or refused", () => {
  let compared = 0;
  assertSurvives(mutatedBytes(leafDer, rootDer), (der) => {
    const whole = readCertificate(der);
    assert.deepEqual(readSvidFields(der), {
      uris: whole.uris,
      isAuthority: whole.isAuthority,
      signsOthers: whole.signsOthers,
    });
    compared += 1;
  });
  assert.ok(compared > 100, `only ${compared} were read`);
  assertSurvives(mutatedBytes(leafDer, rootDer), readSvidFields);
});

test("10,000 damaged certificates are read or refused", () => {
  assertSurvives(mutatedBytes(leafDer, rootDer), readCertificate);
});
