// The resources of one type that one client sees: several collections as one, without copying them.
import type { Collection } from "../collection/collection.ts";
import type { ResourceChange, ResourceSet } from "../xds/generator.ts";
import type { Resource } from "../xds/resource.ts";
import type { SetAside } from "../xds/set-aside.ts";
import { ServedResources } from "./served-half.ts";

export class ViewSet implements ResourceSet {
  private parts: readonly Collection<Resource>[] = [];
  private readonly listeners = new Set<(changes: readonly ResourceChange[]) => void>();
  private subscriptions: (() => void)[] = [];
  /** While news is held back: what listeners believe of each resource that became different, by name. */
  private held: Map<string, Resource | undefined> | undefined;

  constructor(parts: readonly Collection<Resource>[]) {
    this.attach(parts);
  }

  get size(): number {
    return this.parts.reduce((sum, part) => sum + part.size, 0);
  }

  get(name: string): Resource | undefined {
    for (const part of this.parts) {
      const resource = part.get(name);
      if (resource !== undefined) return resource;
    }
    return undefined;
  }

  *values(): IterableIterator<Resource> {
    for (const part of this.parts) yield* part.values();
  }

  *setAside(): Iterable<SetAside> {
    for (const part of this.parts) if (part instanceof ServedResources) yield* part.setAside();
  }

  subscribe(listener: (changes: readonly ResourceChange[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells nothing until `release` or `replace`: what goes now may be back by then, and must not be seen to go. */
  hold(): void {
    this.held ??= new Map();
  }

  /** Tells what became different since `hold`. */
  release(): void {
    const { held } = this;
    this.held = undefined;
    const changes: ResourceChange[] = [];
    for (const [key, before] of held ?? []) {
      const after = this.get(key);
      if (before?.version !== after?.version) changes.push({ key, before, after });
    }
    this.tell(changes);
  }

  /** The client sees other collections from now on; listeners hear of what is different. */
  replace(parts: readonly Collection<Resource>[]): void {
    const before = new Map([...this.values()].map((resource) => [resource.name, resource]));
    for (const [name, believed] of this.held ?? []) {
      if (believed === undefined) before.delete(name);
      else before.set(name, believed);
    }
    this.held = undefined;
    this.detach();
    this.attach(parts);
    const changes: ResourceChange[] = [];
    for (const after of this.values()) {
      const old = before.get(after.name);
      before.delete(after.name);
      if (old?.version !== after.version) changes.push({ key: after.name, before: old, after });
    }
    for (const [key, old] of before) changes.push({ key, before: old, after: undefined });
    this.tell(changes);
  }

  detach(): void {
    for (const end of this.subscriptions) end();
    this.subscriptions = [];
  }

  private attach(parts: readonly Collection<Resource>[]): void {
    this.parts = parts;
    this.subscriptions = parts.map((part) => part.subscribe((changes) => this.tell(changes)));
  }

  private tell(changes: readonly ResourceChange[]): void {
    if (changes.length === 0) return;
    if (this.held !== undefined) {
      for (const { key, before } of changes) if (!this.held.has(key)) this.held.set(key, before);
      return;
    }
    for (const listener of [...this.listeners]) listener(changes);
  }
}
