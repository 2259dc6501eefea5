// An attacker with a valid join token: asks for a certificate of somebody else, then claims to be in another namespace.
//
// Usage: node identity-probe.ts URL TOKEN. Prints one JSON object, an `IdentityProbe`.
import { X509Certificate } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { Attribute, Extension, Extensions, GeneralName, SubjectAlternativeName } from "@peculiar/asn1-x509";
import { IstioCertificateService } from "../../gen/istio/v1/auth/ca_pb.ts";
import { createCertificateRequest } from "../../src/identity/certificate-request.ts";
import { decodePem, encodePem } from "../../src/identity/pem.ts";
import { ecSigner } from "../../src/identity/signer.fake.ts";
import { AdsClient, type GrpcEnd } from "../../src/serve/ads/ads-client.fake.ts";
import { typeUrls } from "../../src/xds/type-url.ts";

export interface IdentityProbe {
  /** Subject alternative name of the certificate that the request for another identity got. */
  issued: string;
  /** Namespaces claimed on a stream with that certificate, or with none, and how the stream ended; null: it was served. */
  streams: { claim: string; certificate: boolean; end: GrpcEnd | null }[];
}

const [url = "", token = ""] = process.argv.slice(2);
const signer = ecSigner();
const transport = createGrpcTransport({ baseUrl: url, nodeOptions: { rejectUnauthorized: false } });
const { certChain } = await createClient(IstioCertificateService, transport).createCertificate(
  { csr: await requestFor("spiffe://cluster.local/ns/bank/sa/vault") },
  { headers: { authorization: `Bearer ${token}` } },
);
const identity = {
  cert: certChain.slice(0, -1).join(""),
  key: signer.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
};
const probe: IdentityProbe = { issued: new X509Certificate(certChain[0] ?? "").subjectAltName ?? "", streams: [] };
for (const [claim, certificate] of [
  ["shop", true],
  ["bank", true],
  ["shop", false],
] as const) {
  probe.streams.push({ claim, certificate, end: await openStream(claim, certificate) });
}
console.log(JSON.stringify(probe));

async function openStream(namespace: string, certificate: boolean): Promise<GrpcEnd | null> {
  const client = new AdsClient({
    url,
    node: {
      id: `sidecar~198.18.0.99~probe.${namespace}~${namespace}.svc.cluster.local`,
      metadata: { NAMESPACE: namespace },
    },
    tls: { rejectUnauthorized: false, ...(certificate ? identity : {}) },
  });
  client.subscribe(typeUrls.cluster);
  try {
    return await Promise.race([client.ended, client.next().then(() => null)]).catch(() => client.ended);
  } finally {
    await client.close();
  }
}

/** A request that asks for a subject alternative name, signed by the probe's own key. */
async function requestFor(spiffeId: string): Promise<string> {
  const [der = new Uint8Array()] = decodePem("CERTIFICATE REQUEST", await createCertificateRequest(signer), {
    length: 1 << 16,
  });
  const plain = AsnConvert.parse(der, CertificationRequest);
  const names = new SubjectAlternativeName([new GeneralName({ uniformResourceIdentifier: spiffeId })]);
  const extension = new Extension({ extnID: "2.5.29.17", extnValue: new OctetString(AsnConvert.serialize(names)) });
  const info = new CertificationRequestInfo({
    version: 0,
    subject: plain.certificationRequestInfo.subject,
    subjectPKInfo: plain.certificationRequestInfo.subjectPKInfo,
  });
  // PKCS#9 extensionRequest (RFC 2985, 5.4.2)
  info.attributes.push(
    new Attribute({ type: "1.2.840.113549.1.9.14", values: [AsnConvert.serialize(new Extensions([extension]))] }),
  );
  const signature = await signer.sign(new Uint8Array(AsnConvert.serialize(info)));
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: plain.signatureAlgorithm,
    signature: signature.buffer as ArrayBuffer,
  });
  return encodePem("CERTIFICATE REQUEST", new Uint8Array(AsnConvert.serialize(request)));
}
