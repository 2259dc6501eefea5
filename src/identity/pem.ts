// PEM blocks, RFC 7468, with limits.
import { base64, fromBase64 } from "../kernel/bytes.ts";
import { identityErrors } from "./errors.ts";

export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST" | "PUBLIC KEY" | "PRIVATE KEY";

export interface PemLimits {
  /** Most blocks; default 1. */
  blocks?: number;
  /** Longest text, characters; default 64 KiB. */
  length?: number;
}

const defaultLength = 64 << 10;
/** RFC 7468 §2: generators wrap at 64 characters. */
const lineLength = 64;

/** One block with a newline at its end. */
export function encodePem(label: PemLabel, der: Uint8Array): string {
  const text = base64(der);
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += lineLength) lines.push(text.slice(at, at + lineLength));
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/**
 * The contents of all blocks, at least one. Strict: the one label, Unix line ends, canonical base64 in lines of at most 64
 * characters, no headers, and nothing around the blocks but empty lines.
 *
 * @throws LateenError LAT3003
 */
export function decodePem(label: PemLabel, text: string, limits: PemLimits = {}): Uint8Array[] {
  const { blocks: most = 1, length = defaultLength } = limits;
  if (text.length > length) throw identityErrors.badPem(`the PEM text is longer than ${length} characters`);
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Uint8Array[] = [];
  let body: string[] | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (body === undefined) {
      if (line === "") continue;
      if (line !== begin) throw identityErrors.badPem(`line ${index + 1} is ${shown(line)}, not ${begin}`);
      if (blocks.length >= most) throw identityErrors.badPem(`more than ${most} PEM block${most === 1 ? "" : "s"}`);
      body = [];
    } else if (line === end) {
      blocks.push(decodeBody(body));
      body = undefined;
    } else if (line.length > lineLength || !/^[A-Za-z0-9+/]+={0,2}$/.test(line)) {
      throw identityErrors.badPem(`line ${index + 1} is not base64 of at most ${lineLength} characters`);
    } else {
      body.push(line);
    }
  }
  if (body !== undefined) throw identityErrors.badPem(`the PEM block has no ${end}`);
  if (blocks.length === 0) throw identityErrors.badPem(`there is no ${begin}`);
  return blocks;
}

function decodeBody(lines: readonly string[]): Uint8Array {
  const text = lines.join("");
  const bytes = fromBase64(text);
  // Encoded again it must be the same: padding bits and misplaced padding would make two texts of one certificate.
  if (bytes === undefined || bytes.length === 0 || base64(bytes) !== text) {
    throw identityErrors.badPem("the PEM block is not canonical base64");
  }
  return bytes;
}

/** Any other line may be part of a key, and messages reach logs. */
function shown(line: string): string {
  return /^-----BEGIN [A-Z0-9 ]{1,40}-----$/.test(line) ? line : `a line of ${line.length} characters`;
}
