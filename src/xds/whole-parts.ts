// Resources that the client puts together from parts, and accepts or rejects as one: what that means for what is sent.
import type { ResourceSet } from "./generator.ts";
import type { Resource } from "./resource.ts";
import { refusedRoutes } from "./route-part-name.ts";
import type { Batch } from "./subscription-request.ts";

export class WholeParts {
  private readonly wholeOf: (name: string) => string;

  /** @param wholeOf the name of the resource that a part belongs to; of that itself, its own name */
  constructor(wholeOf: (name: string) => string) {
    this.wholeOf = wholeOf;
  }

  isWhole(name: string): boolean {
    return this.wholeOf(name) === name;
  }

  /**
   * The wholes before their parts. All of them go into one message, so that the client knows from then on of which it has
   * only old parts.
   */
  *inOrder<T extends readonly [name: string, ...unknown[]]>(entries: Iterable<T>): Iterable<T> {
    const parts: T[] = [];
    for (const entry of entries) {
      if (this.isWhole(entry[0])) yield entry;
      else parts.push(entry);
    }
    yield* parts;
  }

  /** A message was accepted: nothing of its wholes is refused any more, whenever it was sent. */
  accept(batch: Batch, refused: Map<string, Resource>): void {
    if (refused.size > 0) this.forget(this.wholesIn(batch), refused);
  }

  /** A message was rejected. Returns the parts of what that is about, and this itself, be it sent before. */
  reject(batch: Batch, message: string, set: ResourceSet, refused: Map<string, Resource>): Resource[] {
    const wholes = this.wholesIn(batch);
    const rejected = refusedRoutes(message, wholes);
    this.forget(new Set([...wholes].filter((whole) => !rejected.has(whole))), refused);
    const parts = batch.resources.filter(({ name }) => rejected.has(this.wholeOf(name)) && !this.isWhole(name));
    return [...parts, ...[...rejected].flatMap((name) => set.get(name) ?? [])];
  }

  private wholesIn({ resources, removed }: Batch): Set<string> {
    return new Set([...resources.map(({ name }) => this.wholeOf(name)), ...removed.map(this.wholeOf)]);
  }

  private forget(wholes: ReadonlySet<string>, refused: Map<string, Resource>): void {
    for (const name of refused.keys()) if (wholes.has(this.wholeOf(name))) refused.delete(name);
  }
}
