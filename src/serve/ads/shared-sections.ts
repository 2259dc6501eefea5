// The same resources go to many streams one after the other: at a first sync, and at each push. A long list is cut into
// sections at places that its own content decides, so that lists which have long runs in common have sections in common,
// whatever precedes them. The second stream that needs a section makes one piece of it, which all later ones share.
import type { Resource } from "../../xds/resource.ts";
import { resourceParts, type Variant } from "./response-parts.ts";

/** Shorter sections are not worth keeping. */
const smallestSection = 8;
/** Resources of one section at most. */
const largestSection = 256;
/** Of 64 possible first characters of a version (base64url of a hash), the one that ends a section. */
const lastCharacter = "A";
/** Bytes of sections that are kept, beside the resources themselves. */
const bytesLimit = 64 << 20;
/** Sections that are kept, whether or not a second stream has asked for them. */
const sectionLimit = 4_096;
/** A section is dropped when nobody asked for it this long, milliseconds: it is a second copy of the bytes. */
const keptMs = 2_000;

interface Section {
  readonly resources: readonly Resource[];
  readonly variant: Variant;
  joined: Uint8Array | undefined;
  usedAtMs: number;
}

export class SharedSections {
  /** By first resource and variant; newest use last. */
  private readonly sections: Readonly<Record<Variant, Map<Resource, Section>>> = { delta: new Map(), sotw: new Map() };
  /** Where the sections of a list end. */
  private readonly ends = new WeakMap<readonly Resource[], readonly number[]>();
  private bytes = 0;
  private hits = 0;
  private misses = 0;

  /** The resources as pieces of a response. `nowMs` is monotonic. */
  parts(resources: readonly Resource[], variant: Variant, nowMs: number): readonly Uint8Array[] {
    if (resources.length < smallestSection) return resourceParts(resources, variant);
    const parts: Uint8Array[] = [];
    let start = 0;
    for (const end of this.endsOf(resources)) {
      const own = end - start < smallestSection ? undefined : this.joined(resources, start, end, variant, nowMs);
      if (own === undefined) parts.push(...resourceParts(resources.slice(start, end), variant));
      else parts.push(own);
      start = end;
    }
    return parts;
  }

  /** Forgets what was not used lately. */
  expire(nowMs: number): void {
    for (const sections of Object.values(this.sections)) {
      for (const section of sections.values()) {
        if (nowMs - section.usedAtMs <= keptMs) break;
        this.drop(section);
      }
    }
  }

  /** Sections kept, the bytes of those that were put together, and how often one was found. */
  get counts(): { kept: number; limit: number; bytes: number; hits: number; misses: number } {
    return { kept: this.size, limit: sectionLimit, bytes: this.bytes, hits: this.hits, misses: this.misses };
  }

  get size(): number {
    return this.sections.delta.size + this.sections.sotw.size;
  }

  private endsOf(resources: readonly Resource[]): readonly number[] {
    let ends = this.ends.get(resources);
    if (ends === undefined) {
      ends = sectionEnds(resources);
      this.ends.set(resources, ends);
    }
    return ends;
  }

  /** The section as one piece; undefined for the first stream that needs it. */
  private joined(
    resources: readonly Resource[],
    start: number,
    end: number,
    variant: Variant,
    nowMs: number,
  ): Uint8Array | undefined {
    const sections = this.sections[variant];
    const first = resources[start] as Resource;
    const known = sections.get(first);
    if (known === undefined || !isRun(resources, start, end, known.resources)) {
      this.misses += 1;
      if (known !== undefined) this.drop(known);
      if (this.size < sectionLimit) {
        sections.set(first, { resources: resources.slice(start, end), variant, joined: undefined, usedAtMs: nowMs });
      }
      return undefined;
    }
    this.hits += 1;
    known.usedAtMs = nowMs;
    sections.delete(first);
    sections.set(first, known);
    if (known.joined === undefined) {
      const joined = Buffer.concat(resourceParts(known.resources, variant));
      if (this.bytes + joined.length > bytesLimit) return joined;
      known.joined = joined;
      this.bytes += joined.length;
    }
    return known.joined;
  }

  private drop({ resources: [first], variant, joined }: Section): void {
    this.sections[variant].delete(first as Resource);
    this.bytes -= joined?.length ?? 0;
  }
}

function sectionEnds(resources: readonly Resource[]): number[] {
  const ends: number[] = [];
  for (let start = 0; start < resources.length; start = ends.at(-1) as number) ends.push(sectionEnd(resources, start));
  return ends;
}

function sectionEnd(resources: readonly Resource[], start: number): number {
  const furthest = Math.min(resources.length, start + largestSection);
  for (let at = start; at < furthest; at++) {
    if ((resources[at] as Resource).version.startsWith(lastCharacter)) return at + 1;
  }
  return furthest;
}

function isRun(resources: readonly Resource[], start: number, end: number, run: readonly Resource[]): boolean {
  if (run.length !== end - start) return false;
  for (let at = 0; at < run.length; at++) if (run[at] !== resources[start + at]) return false;
  return true;
}
