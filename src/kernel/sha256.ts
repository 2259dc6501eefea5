// SHA-256 as bytes, for formats that carry the digest itself.
import { createHash } from "node:crypto";

/** 32 bytes. */
export function sha256(data: string | Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}
