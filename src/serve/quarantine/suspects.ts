// Which part of a composed resource the proxy's words mean.
import type { ResourceFragment } from "../../xds/resource.ts";

/** Characters of a message that are searched, and texts of it that are looked up. */
const searchedLength = 4096;
const textLimit = 64;
/** Shorter texts are in every part. */
const shortest = 3;

/**
 * The parts whose bytes hold a text of the message that no other part holds: a domain, a regex, a name. Empty where no
 * text tells them apart.
 */
export function suspectsNamed(parts: readonly ResourceFragment[], message: string): readonly ResourceFragment[] {
  const bodies = parts.map(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  for (const text of textsOf(message)) {
    const bytes = Buffer.from(text);
    const holders = parts.filter((_, at) => bodies[at]?.includes(bytes) === true);
    if (holders.length === 1) return holders;
  }
  return [];
}

/** Quoted texts and words of a message, the longest first: the longer, the rarer. */
export function textsOf(message: string): string[] {
  const text = message.slice(0, searchedLength);
  const found = new Set<string>();
  for (const [, quote, inner] of text.matchAll(/(['"`])(.+?)\1/g))
    if (quote !== undefined && inner !== undefined) found.add(inner);
  for (const word of text.split(/\s+/)) {
    found.add(word);
    found.add(word.replace(/^['"`([{<]+|['"`)\]}>.,:;!?]+$/g, ""));
  }
  return [...found]
    .filter((each) => each.length >= shortest)
    .sort((a, b) => b.length - a.length)
    .slice(0, textLimit);
}
