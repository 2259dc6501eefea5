// A certificate authority for tests: real certificates, made by the formats' own code.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { issueCertificate, selfSignCertificate } from "../../identity/certificate.ts";
import { readCertificate } from "../../identity/certificate-info.ts";
import { authorityProfile, serverProfile, workloadProfile } from "../../identity/certificate-profile.ts";
import { parseCertificateRequest } from "../../identity/certificate-request.ts";
import { encodePem } from "../../identity/pem.ts";
import { publicKeyPin } from "../../identity/public-key.ts";
import type { Signer } from "../../identity/signer.ts";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import type { IssuedCertificate } from "./machine-identity.ts";

export interface TestAuthority {
  /** PEM of the root. */
  readonly root: string;
  readonly pin: string;
  /** A server's chain with the root at its end, and its key; PEM. */
  server(
    names: { dnsNames?: string[]; ipAddresses?: string[] },
    life?: { fromMs: number; toMs: number },
  ): Promise<{ chain: string; key: string }>;
  /** Signs a request as the authority of a control plane does. */
  sign(csr: string, spiffeId: string, life: { fromMs: number; toMs: number }): Promise<IssuedCertificate>;
}

const hour = 3_600_000;

function signerOf(publicKey: KeyObject, privateKey: KeyObject): Signer {
  return {
    algorithm: "ecdsa-sha256",
    publicKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    sign: async (bytes) => new Uint8Array(sign("sha256", bytes, privateKey)),
  };
}

/** @param nowMs what the authority takes for the present; the system's clock for connections over TLS */
export async function testAuthority(nowMs: number = Date.now()): Promise<TestAuthority> {
  const rootKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rootSigner = signerOf(rootKeys.publicKey, rootKeys.privateKey);
  const serial = () => new Uint8Array(randomBytes(16));
  const wide = { notBeforeMs: nowMs - 24 * hour, notAfterMs: nowMs + 100_000 * hour };
  const name = { organization: "cluster.local", commonName: "root", pathLength: 1 };
  const rootDer = await selfSignCertificate({ profile: authorityProfile(name), serial: serial(), ...wide }, rootSigner);
  const root = encodePem("CERTIFICATE", rootDer);
  const rootIssuer = { certificate: readCertificate(rootDer), signer: rootSigner };
  const issuingKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuingSigner = signerOf(issuingKeys.publicKey, issuingKeys.privateKey);
  const issuingDer = await issueCertificate(
    {
      profile: authorityProfile({ ...name, commonName: "issuing", pathLength: 0 }),
      publicKey: issuingSigner.publicKey,
      serial: serial(),
      ...wide,
    },
    rootIssuer,
  );
  const issuing = encodePem("CERTIFICATE", issuingDer);
  const issuer = { certificate: readCertificate(issuingDer), signer: issuingSigner };
  return {
    root,
    pin: publicKeyPin(rootSigner.publicKey),
    async server({ dnsNames = [], ipAddresses = [] }, life = { fromMs: nowMs - hour, toMs: nowMs + hour }) {
      const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const publicKey = new Uint8Array(keys.publicKey.export({ type: "spki", format: "der" }));
      const profile = serverProfile("control-plane", { dnsNames, ipAddresses }, { kind: "ec", curve: "P-256" });
      const times = { notBeforeMs: life.fromMs, notAfterMs: life.toMs };
      const der = await issueCertificate({ profile, publicKey, serial: serial(), ...times }, issuer);
      return {
        chain: encodePem("CERTIFICATE", der) + issuing + root,
        key: keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      };
    },
    async sign(csr, spiffeId, life) {
      const { publicKey, key } = parseCertificateRequest(csr);
      const times = { notBeforeMs: life.fromMs, notAfterMs: life.toMs };
      const profile = workloadProfile(spiffeId as SpiffeId, key);
      const der = await issueCertificate({ profile, publicKey, serial: serial(), ...times }, issuer);
      return { chain: [encodePem("CERTIFICATE", der), issuing], roots: [root] };
    },
  };
}
