// Which part of a composed resource the proxy's words mean.
import type { ResourceFragment } from "../../xds/resource.ts";
import { virtualHostIndex } from "./envoy-words.ts";

/** Characters of a message that are searched, and texts of it that are looked up. */
const searchedLength = 4096;
const textLimit = 64;
/** Shorter texts are in every part. */
const shortest = 3;

/**
 * The part that is meant: the one whose place Envoy names, or the only one whose bytes hold a text of the message that no
 * other part holds: a domain, a regex, a name. Empty where that is none, or where several are.
 *
 * @param all parts of the resource, in order; the suspects among them
 */
export function suspectsNamed(
  suspects: readonly ResourceFragment[],
  all: readonly ResourceFragment[],
  message: string,
): readonly ResourceFragment[] {
  const index = virtualHostIndex(message);
  if (index !== undefined) return suspects.filter((part) => part === all[index]);
  const bodies = suspects.map(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  const named = new Set<ResourceFragment>();
  for (const text of textsOf(message)) {
    const bytes = Buffer.from(text);
    const [holder, ...others] = suspects.filter((_, at) => bodies[at]?.includes(bytes) === true);
    if (holder !== undefined && others.length === 0) named.add(holder);
  }
  return named.size === 1 ? [...named] : [];
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
