// One Resource object for equal content, so that views which happen to agree share the bytes.

import type { Resource } from "../xds/resource.ts";
import { sameResource } from "./resource-of.ts";

export class InternedResources {
  private readonly byVersion = new Map<string, WeakRef<Resource>>();
  private hits = 0;
  private misses = 0;
  private readonly freed = new FinalizationRegistry<string>((key) => {
    if (this.byVersion.get(key)?.deref() === undefined) this.byVersion.delete(key);
  });

  /** The resource itself, or one made before with the same bytes and the same makers. */
  share(resource: Resource): Resource {
    // What is composed has too many makers to be part of a key: they are compared instead.
    const makers =
      resource.fragments === undefined
        ? resource.sources.map((ref) => `${ref.kind}/${ref.namespace}/${ref.name}`).join(",")
        : "";
    const key = `${resource.typeUrl}\n${resource.name}\n${resource.version}\n${makers}`;
    const present = this.byVersion.get(key)?.deref();
    if (present !== undefined && sameResource(present, resource)) {
      this.hits += 1;
      return present;
    }
    this.misses += 1;
    this.byVersion.set(key, new WeakRef(resource));
    this.freed.register(resource, key);
    return resource;
  }

  /** For people who look: goes through all. What is put together only when sent is counted, its bytes are not. */
  inspect(): { kept: number; hits: number; misses: number; bytes: number; lazy: number } {
    let bytes = 0;
    let lazy = 0;
    for (const reference of this.byVersion.values()) {
      const resource = reference.deref();
      if (resource === undefined) continue;
      if (Object.hasOwn(resource, "body")) bytes += resource.body.length;
      else lazy += 1;
    }
    return { ...this.counts, bytes, lazy };
  }

  get counts(): { kept: number; hits: number; misses: number } {
    return { kept: this.byVersion.size, hits: this.hits, misses: this.misses };
  }

  /** Entries that are alive or not swept yet. */
  get size(): number {
    return this.byVersion.size;
  }
}
