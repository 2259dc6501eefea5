// What the store keeps of a join token: enough to recognise it, not enough to make it.
import { fromUtf8 } from "../kernel/bytes.ts";

export interface JoinTokenRecord {
  readonly id: string;
  /** SHA-256 of the secret's text, hex. */
  readonly secretHash: string;
  /** The WorkloadGroup. */
  readonly namespace: string;
  readonly group: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly uses: number;
  /** 0: used up, and kept until long after its end, so that it stays used. */
  readonly usesLeft: number;
}

const prefix = "/join-tokens/";
const layout = 1;

export const joinTokenPrefix = prefix;

export function joinTokenKey(id: string): string {
  return `${prefix}${id}`;
}

export function encodeJoinTokenRecord(record: JoinTokenRecord): string {
  return JSON.stringify({ layout, ...record });
}

/** `undefined` where it was written by a later version or is damaged: such a token is not good for anything. */
export function decodeJoinTokenRecord(value: Uint8Array): JoinTokenRecord | undefined {
  let data: unknown;
  try {
    data = JSON.parse(fromUtf8(value));
  } catch {
    return undefined;
  }
  if (data === null || typeof data !== "object") return undefined;
  const { layout: found, ...record } = data as JoinTokenRecord & { layout: number };
  const texts = [record.id, record.namespace, record.group];
  const numbers = [record.createdAtMs, record.expiresAtMs, record.uses, record.usesLeft];
  const fits = texts.every((text) => typeof text === "string") && numbers.every(Number.isSafeInteger);
  return found === layout && fits && /^[0-9a-f]{64}$/.test(record.secretHash) ? record : undefined;
}
