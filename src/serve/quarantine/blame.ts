// Which object, and which of its fields, rejected content comes from.
import { formatPath, type PathSegment } from "../../config/field-path.ts";
import type { Config } from "../../config/object.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import { MentionIndex } from "../../xds/mention-index.ts";

export interface Blame {
  readonly objects: readonly ConfigRef[];
  /** Spelled like `spec.http[0].match[0].uri.regex`; of the one object. */
  readonly path: string | undefined;
}

export interface BlameOptions {
  /** The objects that made the content. */
  readonly sources: readonly ConfigRef[];
  readonly message: string;
  /** The very text that was rejected, where it is known. */
  readonly value: string | undefined;
  /** Name of the resource and of its part; every message may repeat them. */
  readonly names: readonly string[];
  readonly objectOf: (ref: ConfigRef) => Config | undefined;
  /** The objects that changed lately, those of the last change first. */
  readonly recent: () => readonly (readonly ConfigRef[])[];
}

/** Characters of a message that are searched. */
const searchedLength = 4096;
/** Shorter values are in every message. */
const shortest = 3;
/** Values of one object that are looked at. */
const valueLimit = 10_000;
/** Names inside `outbound|80||a.example` and paths are words of their own. */
const wordCharacters = /[A-Za-z0-9_-]+/;

/**
 * The one field that holds the rejected text, or whose value the message repeats (the longest such value); else the objects
 * that changed last; else all.
 */
export function blame(options: BlameOptions): Blame {
  const { sources, names, objectOf, value } = options;
  const exact = sources.flatMap((ref) =>
    [...textsIn(objectOf(ref)?.spec)].filter(({ text }) => text === value).map(({ path }) => ({ ref, path })),
  );
  if (exact[0] !== undefined && exact.length === 1) return { objects: [exact[0].ref], path: exact[0].path };
  let message = options.message.slice(0, searchedLength);
  for (const name of names) if (name.length >= shortest) message = message.replaceAll(name, " ");
  const found = new MentionIndex(message, wordCharacters);
  let longest = shortest - 1;
  let hits: { ref: ConfigRef; path: string }[] = [];
  for (const ref of sources) {
    for (const { path, text } of textsIn(objectOf(ref)?.spec)) {
      if (text.length < longest || !found.has(text)) continue;
      if (text.length > longest) hits = [];
      longest = Math.max(longest, text.length);
      if (text.length === longest && longest >= shortest) hits.push({ ref, path });
    }
  }
  const [hit] = hits;
  if (hit !== undefined && hits.length === 1) return { objects: [hit.ref], path: hit.path };
  for (const changed of options.recent()) {
    const own = sources.filter((source) => changed.some((ref) => isSame(ref, source)));
    if (own.length > 0) return { objects: own, path: undefined };
  }
  return { objects: sources, path: undefined };
}

function* textsIn(spec: unknown): Iterable<{ path: string; text: string }> {
  let left = valueLimit;
  const path: PathSegment[] = ["spec"];
  function* walk(value: unknown): Iterable<{ path: string; text: string }> {
    if (--left < 0) return;
    if (typeof value === "string") yield { path: formatPath(path), text: value };
    else if (value !== null && typeof value === "object") {
      const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
      for (const [key, child] of entries) {
        path.push(key);
        yield* walk(child);
        path.pop();
      }
    }
  }
  yield* walk(spec);
}

function isSame(a: ConfigRef, b: ConfigRef): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.kind === b.kind;
}
