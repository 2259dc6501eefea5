// What one derivation read, and who reads what. A scope of a thousand services has ten thousand derivations with a dozen reads
// each: a read is two places in a list, and a key that one derivation reads has that one's key instead of a set of them.
import type { Change } from "./collection.ts";
import type { GraphNode } from "./graph-node.ts";

export const everyKey = Symbol("every key");
export type ReadKey = string | typeof everyKey;

/** Reads are told apart up to so many; of more, the same one may be listed twice, which does no harm. */
const comparedLimit = 24;

/** What a reader of these changes may have read: all, or one of the keys. */
export function* readKeysOf(changes: readonly Change<unknown>[]): Iterable<ReadKey> {
  yield everyKey;
  for (const { key } of changes) yield key;
}

/** In the order of reading: node, key, node, key … */
export class ReadList {
  private places: (GraphNode | ReadKey)[] = [];

  add(node: GraphNode, key: ReadKey): void {
    const { places } = this;
    const compared = Math.min(places.length, 2 * comparedLimit);
    for (let at = 0; at < compared; at += 2) if (places[at + 1] === key && places[at] === node) return;
    places.push(node, key);
  }

  /** No more is to come: gives back the room that a list keeps for what may be pushed. */
  trim(): this {
    this.places = this.places.slice();
    return this;
  }

  equals(other: ReadList): boolean {
    const { places } = this;
    if (places.length !== other.places.length) return false;
    for (let at = 0; at < places.length; at++) if (places[at] !== other.places[at]) return false;
    return true;
  }

  *[Symbol.iterator](): IterableIterator<readonly [GraphNode, ReadKey]> {
    for (let at = 0; at < this.places.length; at += 2) {
      yield [this.places[at] as GraphNode, this.places[at + 1] as ReadKey];
    }
  }
}

/** Input keys by what their derivations read. */
export class ReaderIndex {
  private readonly byNode = new Map<GraphNode, Map<ReadKey, string | Set<string>>>();

  /** The derivation of an input reads other things than before. Returns whether it does. */
  replace(input: string, before: ReadList | undefined, after: ReadList | undefined): boolean {
    if (before !== undefined && after !== undefined && before.equals(after)) return false;
    for (const [node, key] of before ?? []) this.remove(node, key, input);
    for (const [node, key] of after ?? []) this.add(node, key, input);
    return true;
  }

  /** Calls `visit` for each input whose derivation reads one of the keys. */
  visit(node: GraphNode, keys: Iterable<ReadKey>, visit: (input: string) => void): void {
    const byKey = this.byNode.get(node);
    if (byKey === undefined) return;
    for (const key of keys) {
      const inputs = byKey.get(key);
      if (typeof inputs === "string") visit(inputs);
      else if (inputs !== undefined) for (const input of inputs) visit(input);
    }
  }

  private add(node: GraphNode, key: ReadKey, input: string): void {
    let byKey = this.byNode.get(node);
    if (byKey === undefined) {
      byKey = new Map();
      this.byNode.set(node, byKey);
    }
    const present = byKey.get(key);
    if (present === undefined) byKey.set(key, input);
    else if (typeof present !== "string") present.add(input);
    else if (present !== input) byKey.set(key, new Set([present, input]));
  }

  private remove(node: GraphNode, key: ReadKey, input: string): void {
    const byKey = this.byNode.get(node);
    const present = byKey?.get(key);
    if (byKey === undefined || present === undefined) return;
    if (typeof present !== "string") {
      present.delete(input);
      if (present.size === 0) byKey.delete(key);
    } else if (present === input) byKey.delete(key);
  }
}
