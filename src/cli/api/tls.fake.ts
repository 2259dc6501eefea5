// A certificate authority for one test, with certificates for a server on loopback and for a client.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { issueCertificate, selfSignCertificate } from "../../identity/certificate.ts";
import { readCertificate } from "../../identity/certificate-info.ts";
import { authorityProfile, clientProfile, serverProfile } from "../../identity/certificate-profile.ts";
import { encodePem } from "../../identity/pem.ts";
import { readPublicKey } from "../../identity/public-key.ts";
import { signerOf } from "../../identity/signer.fake.ts";

export interface FakeIdentity {
  /** PEM. */
  cert: string;
  key: string;
}

export interface FakeAuthority {
  /** PEM of the root. */
  root: string;
  server(names: { dnsNames: string[]; ipAddresses: string[] }): Promise<FakeIdentity>;
  client(): Promise<FakeIdentity>;
}

const dayMs = 86_400_000;

export async function fakeAuthority(nowMs: number = Date.now()): Promise<FakeAuthority> {
  const span = { notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs };
  const rootSigner = signerOf(generateKeyPairSync("ec", { namedCurve: "P-256" }), "ecdsa-sha256");
  const profile = authorityProfile({ organization: "test", commonName: "test root", pathLength: 0 });
  const root = await selfSignCertificate({ profile, serial: serial(), ...span }, rootSigner);
  const issuer = { certificate: readCertificate(root), signer: rootSigner };
  const issue = async (
    makeProfile: (key: ReturnType<typeof readPublicKey>) => ReturnType<typeof clientProfile>,
  ): Promise<FakeIdentity> => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const publicKey = new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
    const order = { profile: makeProfile(readPublicKey(publicKey)), publicKey, serial: serial(), ...span };
    const der = await issueCertificate(order, issuer);
    return {
      cert: encodePem("CERTIFICATE", der),
      key: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    };
  };
  return {
    root: encodePem("CERTIFICATE", root),
    server: (names) => issue((key) => serverProfile("server", names, key)),
    client: () => issue((key) => clientProfile({ commonName: "admin", organization: "system:masters" }, key)),
  };
}

function serial(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}
