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
  let message = options.message.slice(0, searchedLength);
  for (const name of names) if (name.length >= shortest) message = message.replaceAll(name, " ");
  const found = new MentionIndex(message, wordCharacters);
  let longest = shortest - 1;
  let hits: Hit[] = [];
  const exact: Hit[] = [];
  for (const ref of sources) {
    eachText(objectOf(ref)?.spec, (text, path) => {
      if (text === value) exact.push({ ref, path: formatPath(path) });
      if (text.length < longest || text.length < shortest || !found.has(text)) return;
      if (text.length > longest) hits = [];
      longest = text.length;
      hits.push({ ref, path: formatPath(path) });
    });
  }
  if (exact[0] !== undefined && exact.length === 1) return { objects: [exact[0].ref], path: exact[0].path };
  const [hit] = hits;
  if (hit !== undefined && hits.length === 1) return { objects: [hit.ref], path: hit.path };
  for (const changed of options.recent()) {
    const own = sources.filter((source) => changed.some((ref) => isSame(ref, source)));
    if (own.length > 0) return { objects: own, path: undefined };
  }
  return { objects: sources, path: undefined };
}

interface Hit {
  readonly ref: ConfigRef;
  readonly path: string;
}

/** @param visit told of each text; the path is valid during the call only */
function eachText(spec: unknown, visit: (text: string, path: readonly PathSegment[]) => void): void {
  let left = valueLimit;
  const path: PathSegment[] = ["spec"];
  const walk = (value: unknown): void => {
    if (--left < 0) return;
    if (typeof value === "string") visit(value, path);
    else if (value !== null && typeof value === "object") {
      for (const [key, child] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
        path.push(key);
        walk(child);
        path.pop();
      }
    }
  };
  walk(spec);
}

function isSame(a: ConfigRef, b: ConfigRef): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.kind === b.kind;
}
