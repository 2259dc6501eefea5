// The resources of one type that one client sees: several sets as one, without copying them. What is read is always what
// listeners were told: who keeps differences only would otherwise take for sent what is not.
import type { ResourceChange, ResourceSet, Revision } from "../xds/generator.ts";
import type { Resource } from "../xds/resource.ts";
import type { SetAside } from "../xds/set-aside.ts";
import { ServedResources } from "./served-half.ts";

/** `Collection<Resource>` has this shape. */
export interface ViewPart extends ResourceSet {
  readonly generation: number;
}

export class ViewSet implements ResourceSet {
  private parts: readonly ViewPart[] = [];
  private readonly listeners = new Set<(changes: readonly ResourceChange[]) => void>();
  private subscriptions: (() => void)[] = [];
  /** While news is held back: what listeners believe of each resource that became different, by name. */
  private held: Map<string, Resource | undefined> | undefined;
  /** By how much the sets have grown while news is held back. */
  private heldGrowth = 0;

  constructor(parts: readonly ViewPart[]) {
    this.attach(parts);
  }

  get size(): number {
    return this.parts.reduce((sum, part) => sum + part.size, 0) - this.heldGrowth;
  }

  get(name: string): Resource | undefined {
    return this.held?.has(name) === true ? this.held.get(name) : this.newest(name);
  }

  *values(): IterableIterator<Resource> {
    const { held } = this;
    if (held === undefined || held.size === 0) {
      for (const part of this.parts) yield* part.values();
      return;
    }
    for (const part of this.parts) {
      for (const resource of part.values()) {
        const told = held.has(resource.name) ? held.get(resource.name) : resource;
        if (told !== undefined) yield told;
      }
    }
    for (const [name, told] of held) if (told !== undefined && this.newest(name) === undefined) yield told;
  }

  private newest(name: string): Resource | undefined {
    for (const part of this.parts) {
      const resource = part.get(name);
      if (resource !== undefined) return resource;
    }
    return undefined;
  }

  *setAside(): Iterable<SetAside> {
    for (const part of this.parts) if (part instanceof ServedResources) yield* part.setAside();
  }

  revision(): Revision | undefined {
    if (this.held !== undefined && this.held.size > 0) return undefined;
    const parts = this.parts.filter((part) => part.size > 0);
    return { parts, generation: parts.reduce((sum, part) => sum + part.generation, 0) };
  }

  subscribe(listener: (changes: readonly ResourceChange[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Until `release` or `replace` nothing new is told or shown: what goes now may be back by then, and must not be seen to go. */
  hold(): void {
    this.held ??= new Map();
  }

  /** Tells what became different since `hold`. */
  release(): void {
    const held = this.endHold();
    const changes: ResourceChange[] = [];
    for (const [key, before] of held) {
      const after = this.get(key);
      if (before?.version !== after?.version) changes.push({ key, before, after });
    }
    this.tell(changes);
  }

  /** The client sees other sets from now on; listeners hear of what is different. */
  replace(parts: readonly ViewPart[]): void {
    const others = [
      ...this.parts.filter((part) => !parts.includes(part)),
      ...parts.filter((part) => !this.parts.includes(part)),
    ];
    const before = this.endHold();
    for (const part of others) {
      for (const { name } of part.values()) if (!before.has(name)) before.set(name, this.get(name));
    }
    this.detach();
    this.attach(parts);
    const changes: ResourceChange[] = [];
    for (const [key, old] of before) {
      const after = this.get(key);
      if (old?.version !== after?.version) changes.push({ key, before: old, after });
    }
    this.tell(changes);
  }

  detach(): void {
    for (const end of this.subscriptions) end();
    this.subscriptions = [];
  }

  private attach(parts: readonly ViewPart[]): void {
    this.parts = parts;
    this.subscriptions = parts.map((part) => part.subscribe((changes) => this.tell(changes)));
  }

  private endHold(): Map<string, Resource | undefined> {
    const held = this.held ?? new Map<string, Resource | undefined>();
    this.held = undefined;
    this.heldGrowth = 0;
    return held;
  }

  private tell(changes: readonly ResourceChange[]): void {
    if (changes.length === 0) return;
    if (this.held !== undefined) {
      for (const { key, before, after } of changes) {
        if (!this.held.has(key)) this.held.set(key, before);
        this.heldGrowth += Number(after !== undefined) - Number(before !== undefined);
      }
      return;
    }
    for (const listener of [...this.listeners]) listener(changes);
  }
}
