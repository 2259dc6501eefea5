// Which resources of a rejected message to send once more, and together with which, so that one bad resource hurts only
// itself. Envoy rejects whole messages of most types, but mostly names what it did not like.
import { MentionIndex } from "./mention-index.ts";

/** At most this many messages go out again after one rejection. */
const groupLimit = 64;
/** Characters of a proxy's message that are searched for names. */
const searchedLength = 8192;
/** `.` ends a sentence as well as joining names, and `:` follows a name in Envoy's lists; both are taken as ends. */
const nameCharacters = /[A-Za-z0-9_|/~*-]+/;

/**
 * Splits the names of a rejected message. Those that the message mentions go out one by one, the others together; where
 * it mentions none or all of them, they go out in groups of even size. A group of its own is proof.
 */
export function isolationGroups(names: readonly string[], message: string): string[][] {
  const found = message === "" ? undefined : namesIn(message);
  const mentioned = found === undefined ? [] : names.filter((name) => found.has(name));
  if (mentioned.length === 0 || mentioned.length === names.length) return evenGroups(names, groupLimit);
  const others = new Set(mentioned);
  return [names.filter((name) => !others.has(name)), ...evenGroups(mentioned, groupLimit - 1)];
}

function evenGroups(names: readonly string[], count: number): string[][] {
  const size = Math.max(1, Math.ceil(names.length / count));
  const groups: string[][] = [];
  for (let at = 0; at < names.length; at += size) groups.push(names.slice(at, at + size));
  return groups;
}

/** Finds names of resources in a proxy's words; only the beginning of those is searched. */
export function namesIn(message: string): MentionIndex {
  return new MentionIndex(message.slice(0, searchedLength), nameCharacters);
}
