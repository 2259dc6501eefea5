// A ResourceSet that a test writes; versions are given, bodies are as long as the version where none is given. A version
// that starts with `withheld` is one that must not be sent.
import type { ResourceChange, ResourceSet, Revision } from "./generator.ts";
import type { Resource } from "./resource.ts";

export class ResourceTable implements ResourceSet {
  private readonly resources = new Map<string, Resource>();
  readonly typeUrl: string;
  private readonly listeners = new Set<(changes: readonly ResourceChange[]) => void>();
  private generation = 0;

  constructor(typeUrl: string, contents: Record<string, string> = {}) {
    this.typeUrl = typeUrl;
    for (const [name, version] of Object.entries(contents)) this.set(name, version);
  }

  get size(): number {
    return this.resources.size;
  }

  get(name: string): Resource | undefined {
    return this.resources.get(name);
  }

  values(): IterableIterator<Resource> {
    return this.resources.values();
  }

  revision(): Revision {
    return { parts: [this], generation: this.generation };
  }

  subscribe(listener: (changes: readonly ResourceChange[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(name: string, version: string, body: Uint8Array = new Uint8Array(version.length)): void {
    const before = this.resources.get(name);
    if (before?.version === version) return;
    const resource = { typeUrl: this.typeUrl, name, version, body, sources: [] };
    const after: Resource = version.startsWith("withheld") ? { ...resource, withheld: true } : resource;
    this.resources.set(name, after);
    this.generation += 1;
    for (const listener of this.listeners) listener([{ key: name, before, after }]);
  }

  delete(name: string): void {
    const before = this.resources.get(name);
    if (before === undefined) return;
    this.resources.delete(name);
    this.generation += 1;
    for (const listener of this.listeners) listener([{ key: name, before, after: undefined }]);
  }
}
