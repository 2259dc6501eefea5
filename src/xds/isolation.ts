// Which resources of a rejected message to send once more, and together with which, so that one bad resource hurts only
// itself. Envoy rejects whole messages of most types, but mostly names what it did not like.

/** At most this many messages go out again after one rejection. */
const groupLimit = 64;
/** Characters of a proxy's message that are searched for names. */
const searchedLength = 8192;

/**
 * Splits the names of a rejected message. Those that the message mentions go out one by one, the others together; where
 * it mentions none or all of them, they go out in groups of even size. A group of its own is proof.
 */
export function isolationGroups(names: readonly string[], message: string): string[][] {
  const text = message.slice(0, searchedLength);
  const mentioned = text === "" ? [] : names.filter((name) => mentions(text, name));
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

/** True where the name stands in the text by itself, not as a piece of a longer name. */
export function mentions(text: string, name: string): boolean {
  if (name === "") return false;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (!isNamePart(text[at - 1]) && !isNamePart(text[at + name.length])) return true;
  }
  return false;
}

/** `.` ends a sentence as well as joining names, and `:` follows a name in Envoy's lists; both are taken as ends. */
function isNamePart(character: string | undefined): boolean {
  return character !== undefined && /[A-Za-z0-9_|/~*-]/.test(character);
}
