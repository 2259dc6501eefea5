// Names, ids and times that the server gives to objects.
import type { Random } from "../../kernel/random.ts";

/** Letters that make no words, as Kubernetes' generated names use. */
const suffixLetters = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;

/** A generated name: the prefix, cut to leave room, and a random suffix. */
export function randomName(prefix: string, random: Random): string {
  const letters = [...random.bytes(suffixLength)].map((byte) => suffixLetters[byte % suffixLetters.length]);
  return `${prefix.slice(0, 253 - suffixLength)}${letters.join("")}`;
}

/** UUID version 4 (RFC 9562). */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = ((Number.parseInt(hex[16] ?? "0", 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
