// The folder `ca` of the data folder: the root, the authority that issues to workloads, and the one of API users.
//
//   root-cert.pem  the mesh's trust anchor
//   root-key.pem   its key; may be taken away to a safe place, then the issuing authority cannot be renewed here
//   issuing.pem    certificate and key of the authority below the root
//   api.pem        certificate and key of the self-signed authority of API users; no part of the mesh's trust
//
// A new folder is written beside its place and renamed into it, so that a crash leaves no half of one.
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { issueCertificate, selfSignCertificate } from "../identity/certificate.ts";
import { authorityProfile } from "../identity/certificate-profile.ts";
import { decodePem, encodePem } from "../identity/pem.ts";
import { trustDomainSpiffeId } from "../identity/spiffe-id.ts";
import type { TrustDomain } from "../identity/trust-domain.ts";
import { hex } from "../kernel/bytes.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { makeFolders } from "../kernel/make-folders.ts";
import { replacePrivateFile, syncFolder, writeNewPrivateFile } from "../kernel/private-file.ts";
import type { Random } from "../kernel/random.ts";
import { caErrors } from "./errors.ts";
import {
  authorityFile,
  authorityOf,
  broken,
  type IssuingAuthority,
  isIssuedBy,
  readAuthorityCertificate,
  readAuthorityFile,
} from "./issuing-authority.ts";
import { generateP256, readKeyPair } from "./key-pair.ts";
import { checkPrivateFolder, hasCode, readPrivateFile } from "./private-file.ts";

export interface AuthorityFolderOptions {
  dataFolder: string;
  trustDomain: TrustDomain;
  clock: Clock;
  random: Random;
  log: Log;
  /** User of this process; its folders and files must belong to it. */
  uid: number | undefined;
}

export interface Authorities {
  /** DER. */
  readonly root: Uint8Array;
  /** Undefined where the root's key is kept elsewhere. */
  readonly rootAuthority: IssuingAuthority | undefined;
  readonly issuing: IssuingAuthority;
  readonly api: IssuingAuthority;
}

const dayMs = 86_400_000;
/** Istio's CITADEL_SELF_SIGNED_CA_CERT_TTL. */
const rootLifetimeMs = 3650 * dayMs;
/** Renewed at half of it, so a workload's certificate of 90 days always fits. */
const issuingLifetimeMs = 365 * dayMs;
/** Authorities begin a day early: hosts with slow clocks must not refuse a mesh that was made today. */
const backdateMs = dayMs;

const names = { rootCert: "root-cert.pem", rootKey: "root-key.pem", issuing: "issuing.pem", api: "api.pem" };

/**
 * Reads the authorities, or makes them where the folder does not exist.
 *
 * @throws LateenError LAT3101 or LAT3102
 */
export async function openAuthorityFolder(options: AuthorityFolderOptions): Promise<Authorities> {
  const folder = join(options.dataFolder, "ca");
  makeFolders(options.dataFolder, 0o700);
  if (!checkPrivateFolder(folder, options.uid)) await createFolder(folder, options);
  const authorities = readFolder(folder, options);
  if (authorities.issuing.certificate.notAfterMs > options.clock.now()) return authorities;
  return { ...authorities, issuing: await renewIssuing(authorities, options) };
}

async function createFolder(folder: string, options: AuthorityFolderOptions): Promise<void> {
  for (const name of readdirSync(options.dataFolder)) {
    // Left by a start that was cut off; its keys were never used.
    if (/^ca\.new-[0-9a-f]{16}$/.test(name)) rmSync(join(options.dataFolder, name), { recursive: true, force: true });
  }
  const files = await makeAuthorities(options);
  const fresh = join(options.dataFolder, `ca.new-${hex(options.random.bytes(8))}`);
  mkdirSync(fresh, { mode: 0o700 });
  for (const [name, text] of files) writeNewPrivateFile(join(fresh, name), text);
  syncFolder(fresh);
  try {
    renameSync(fresh, folder);
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process was faster; what it made is read next.
    if (!hasCode(cause, "ENOTEMPTY") && !hasCode(cause, "EEXIST")) throw cause;
  }
  syncFolder(options.dataFolder);
  options.log.info("made a new certificate authority", { folder, trustDomain: options.trustDomain });
}

async function makeAuthorities(options: AuthorityFolderOptions): Promise<[name: string, text: string][]> {
  const { trustDomain, clock, random } = options;
  const begin = { notBeforeMs: clock.now() - backdateMs, notAfterMs: clock.now() + rootLifetimeMs };
  const rootKey = await generateP256();
  const root = await selfSignCertificate(
    {
      profile: authorityProfile({
        organization: trustDomain,
        commonName: "Lateen root",
        spiffeId: trustDomainSpiffeId(trustDomain),
        pathLength: 1,
      }),
      serial: random.bytes(16),
      ...begin,
    },
    rootKey.signer,
  );
  const issuing = await makeIssuing(authorityOf(names.rootCert, root, rootKey), options);
  const apiKey = await generateP256();
  const api = await selfSignCertificate(
    {
      profile: authorityProfile({ organization: trustDomain, commonName: "Lateen API users", pathLength: 0 }),
      serial: random.bytes(16),
      ...begin,
    },
    apiKey.signer,
  );
  return [
    [names.rootCert, encodePem("CERTIFICATE", root)],
    [names.rootKey, rootKey.pem.reveal()],
    [names.issuing, issuing],
    [names.api, authorityFile(api, apiKey)],
  ];
}

async function makeIssuing(root: IssuingAuthority, options: AuthorityFolderOptions): Promise<string> {
  const { trustDomain, clock, random } = options;
  const key = await generateP256();
  const der = await issueCertificate(
    {
      profile: authorityProfile({
        organization: trustDomain,
        commonName: "Lateen issuing",
        spiffeId: trustDomainSpiffeId(trustDomain),
        pathLength: 0,
      }),
      publicKey: key.signer.publicKey,
      serial: random.bytes(16),
      notBeforeMs: clock.now() - backdateMs,
      notAfterMs: clock.now() + issuingLifetimeMs,
    },
    root,
  );
  return authorityFile(der, key);
}

/**
 * Makes a new issuing authority, with a new key, below the same root.
 *
 * @throws LateenError LAT3103 where the root's key is not here or the root has expired
 */
export async function renewIssuing(
  authorities: Authorities,
  options: AuthorityFolderOptions,
): Promise<IssuingAuthority> {
  const { rootAuthority } = authorities;
  if (rootAuthority === undefined) {
    throw caErrors.authorityExpired("the issuing certificate must be renewed, and the root's key is not here", {
      remedy: `Put ${names.rootKey} back into the folder ca of the data folder for one start of lateen up.`,
    });
  }
  if (rootAuthority.certificate.notAfterMs <= options.clock.now()) {
    throw caErrors.authorityExpired("the root certificate has expired");
  }
  const path = join(options.dataFolder, "ca", names.issuing);
  const text = await makeIssuing(rootAuthority, options);
  replacePrivateFile(path, text, options.random);
  options.log.info("renewed the issuing certificate", { file: path });
  return readAuthorityFile(path, text);
}

function readFolder(folder: string, options: AuthorityFolderOptions): Authorities {
  const read = (name: string): string | undefined => readPrivateFile(join(folder, name), options.uid);
  const needed = (name: string): string => {
    const text = read(name);
    if (text === undefined) throw caErrors.brokenFiles(`${join(folder, name)} is missing`);
    return text;
  };
  const rootPath = join(folder, names.rootCert);
  const rootText = needed(names.rootCert);
  const root = broken(rootPath, () => decodePem("CERTIFICATE", rootText)[0] ?? new Uint8Array());
  const certificate = broken(rootPath, () => readAuthorityCertificate(rootPath, root));
  const own = trustDomainSpiffeId(options.trustDomain);
  if (certificate.uris.some((uri) => uri !== own)) {
    throw caErrors.brokenFiles(`the root in ${folder} is of ${certificate.uris.join(", ")}, not of ${own}`, {
      remedy: "Set trustDomain of the mesh configuration back, or use another --data-dir for another trust domain.",
    });
  }
  if (!isIssuedBy(root, root)) throw caErrors.brokenFiles(`the root in ${rootPath} is not signed by itself`);
  const rootKey = read(names.rootKey);
  const keyPath = join(folder, names.rootKey);
  const issuing = readAuthorityFile(join(folder, names.issuing), needed(names.issuing));
  if (!isIssuedBy(issuing.certificate.der, root)) {
    throw caErrors.brokenFiles(`the root in ${rootPath} did not issue ${names.issuing}`);
  }
  return {
    root,
    rootAuthority:
      rootKey === undefined ? undefined : broken(keyPath, () => authorityOf(rootPath, root, readKeyPair(rootKey))),
    issuing,
    api: readAuthorityFile(join(folder, names.api), needed(names.api)),
  };
}
