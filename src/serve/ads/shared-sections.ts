// The same list of resources goes to many streams one after the other: at a first sync, and at each push. The second
// stream that wants a list makes one piece of it, which all later ones share.
import type { ResourceSet } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import { resourceParts, type Variant } from "./response-parts.ts";

/** Shorter lists are not worth keeping. */
const smallestList = 8;
/** Sets with a kept list; more than are pushed at one time are not useful. */
const sectionLimit = 32;
/** A list is dropped when nobody asked for it this long, milliseconds: it is a second copy of the bytes. */
const keptMs = 2_000;

interface Section {
  readonly resources: readonly Resource[];
  readonly variant: Variant;
  joined: Uint8Array | undefined;
  usedAtMs: number;
}

export class SharedSections {
  /** Several messages long, as a split response is. Newest use last. */
  private readonly sections: Section[] = [];
  private readonly bySet = new Map<ResourceSet, Section[]>();
  private hits = 0;
  private misses = 0;

  /** The resources as pieces of a response. `nowMs` is monotonic. */
  parts(set: ResourceSet, resources: readonly Resource[], variant: Variant, nowMs: number): readonly Uint8Array[] {
    if (resources.length < smallestList) return resourceParts(resources, variant);
    const own = this.bySet.get(set);
    const known = own?.find((section) => section.variant === variant && sameList(section.resources, resources));
    if (known !== undefined) {
      this.hits += 1;
      known.usedAtMs = nowMs;
      known.joined ??= Buffer.concat(resourceParts(resources, variant));
      return [known.joined];
    }
    this.misses += 1;
    const section: Section = { resources, variant, joined: undefined, usedAtMs: nowMs };
    if (this.sections.length >= sectionLimit) this.drop(this.sections[0]);
    this.sections.push(section);
    if (own === undefined) this.bySet.set(set, [section]);
    else own.push(section);
    return resourceParts(resources, variant);
  }

  /** Forgets what was not used lately. */
  expire(nowMs: number): void {
    for (const section of [...this.sections]) if (nowMs - section.usedAtMs > keptMs) this.drop(section);
  }

  /** Lists kept, the bytes of those that were put together, and how often one was found. */
  get counts(): { kept: number; limit: number; bytes: number; hits: number; misses: number } {
    const bytes = this.sections.reduce((sum, { joined }) => sum + (joined?.length ?? 0), 0);
    return { kept: this.sections.length, limit: sectionLimit, bytes, hits: this.hits, misses: this.misses };
  }

  get size(): number {
    return this.sections.length;
  }

  private drop(section: Section | undefined): void {
    if (section === undefined) return;
    this.sections.splice(this.sections.indexOf(section), 1);
    for (const [set, own] of this.bySet) {
      const at = own.indexOf(section);
      if (at < 0) continue;
      own.splice(at, 1);
      if (own.length === 0) this.bySet.delete(set);
      return;
    }
  }
}

function sameList(a: readonly Resource[], b: readonly Resource[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
