// Certificates of a control plane's own authority, issued past its front door: what a machine has whose keys are known.
import { type Authority, openAuthority } from "../../src/ca/authority.ts";
import { createCertificateRequest } from "../../src/identity/certificate-request.ts";
import { ecSigner } from "../../src/identity/signer.fake.ts";
import type { SpiffeId } from "../../src/identity/spiffe-id.ts";
import { parseTrustDomain } from "../../src/identity/trust-domain.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { fakeLog } from "../../src/kernel/log.fake.ts";
import { systemRandom } from "../../src/kernel/random.ts";

export interface IssuedIdentity {
  cert: string;
  key: string;
}

/** The keys lie in the data folder, as they do for whoever administers the host; without any, new ones are made. */
export function openControlAuthority(dataFolder: string): Promise<Authority> {
  return openAuthority({
    dataFolder,
    trustDomain: parseTrustDomain("cluster.local"),
    clock: systemClock,
    random: systemRandom,
    log: fakeLog().log,
    uid: process.geteuid?.(),
  });
}

export async function issueIdentity(authority: Authority, id: string): Promise<IssuedIdentity> {
  const signer = ecSigner();
  const { chain } = await authority.signWorkload(await createCertificateRequest(signer), id as SpiffeId);
  return { cert: chain.join(""), key: signer.privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}
