// The few fields of a certificate that say whom it proves, read at every handshake: all of a certificate, through its schema,
// takes the event loop more than a millisecond.
import { hex } from "../kernel/bytes.ts";
import type { CertificateInfo } from "./certificate-info.ts";
import { checkDer, derChildren } from "./der.ts";
import { identityErrors } from "./errors.ts";

export type SvidFields = Pick<CertificateInfo, "uris" | "isAuthority" | "signsOthers">;

/** Largest certificate that is looked at, bytes. */
const lengthLimit = 64 << 10;
const tags = {
  boolean: 0x01,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  extensions: 0xa3,
  uri: 0x86,
};
/** Object ids, DER content in hex (RFC 5280 §4.2.1). */
const subjectAltName = "551d11";
const basicConstraints = "551d13";
const keyUsage = "551d0f";
/** Bits 5 and 6 of KeyUsage in its first byte: keyCertSign and cRLSign (RFC 5280 §4.2.1.3). */
const signingBits = 0x04 | 0x02;

/**
 * Reads what `readCertificate` reads, where it reads something.
 *
 * @param der a certificate whose chain was verified
 * @throws LateenError LAT3004 or LAT3007
 */
export function readSvidFields(der: Uint8Array): SvidFields {
  checkDer(der, { bytes: lengthLimit });
  const extensions = extensionsOf(der);
  const names = childrenOf(extensions.get(subjectAltName), tags.sequence);
  const [authority] = childrenOf(extensions.get(basicConstraints), tags.sequence);
  const usage = extensions.get(keyUsage);
  if (usage !== undefined && usage[0] !== tags.bitString) throw notCertificate();
  return {
    uris: names.filter(({ tag }) => tag === tags.uri).map(({ content }) => ia5Text(content)),
    isAuthority: authority?.tag === tags.boolean && authority.content[0] !== 0,
    // A tag, a length and the count of unused bits come before the bits.
    signsOthers: usage !== undefined && ((usage[3] ?? 0) & signingBits) !== 0,
  };
}

/** Values of the extensions by object id. */
function extensionsOf(der: Uint8Array): Map<string, Uint8Array> {
  const [tbs] = childrenOf(der, tags.sequence);
  const field = childrenOf(tbs?.whole, tags.sequence).find(({ tag }) => tag === tags.extensions);
  const [list] = childrenOf(field?.whole, tags.extensions);
  const extensions = new Map<string, Uint8Array>();
  for (const { whole } of childrenOf(list?.whole, tags.sequence)) {
    const [id, ...rest] = childrenOf(whole, tags.sequence);
    const value = rest.at(-1);
    if (id?.tag !== tags.oid || value?.tag !== tags.octetString) throw notCertificate();
    const name = hex(id.content);
    if (extensions.has(name)) throw identityErrors.badCertificate("an extension is there twice");
    checkDer(value.content, { bytes: lengthLimit });
    extensions.set(name, value.content);
  }
  return extensions;
}

/** Nothing where there is nothing to look into. */
function childrenOf(value: Uint8Array | undefined, tag: number): ReturnType<typeof derChildren> {
  if (value === undefined) return [];
  if (value[0] !== tag) throw notCertificate();
  return derChildren(value);
}

/** A character a byte. */
function ia5Text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function notCertificate(): Error {
  return identityErrors.badCertificate("the data is not an X.509 certificate");
}
