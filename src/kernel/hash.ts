// Content hashes: a version must survive a restart, so it is made from content and nothing else.
import { createHash } from "node:crypto";

/** SHA-256 of the parts in order, first 16 bytes as base64url (22 characters). Parts are length-prefixed, so they cannot run together. */
export function contentHash(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  const length = new DataView(new ArrayBuffer(4));
  for (const part of parts) {
    length.setUint32(0, typeof part === "string" ? Buffer.byteLength(part) : part.length);
    hash.update(new Uint8Array(length.buffer)).update(part);
  }
  return hash.digest().subarray(0, 16).toString("base64url");
}

/** SHA-256, hex, as used for pins and stored token hashes. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
