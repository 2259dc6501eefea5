// One run of a derivation: what it made of an input, and what it read to make it.
import { byKey } from "../kernel/key-order.ts";
import type { Collection } from "./collection.ts";
import type { CollectionNode } from "./node.ts";
import { Outputs } from "./outputs.ts";
import { everyKey, ReadList } from "./read-list.ts";

/** Reads other collections inside a derivation; what is read is a dependency of the value being derived. */
export interface Reader {
  /** The value of one key, of a collection or of a group. */
  get<U>(collection: Collection<U>, key: string): U | undefined;
  /** All values in order of key. The derivation then runs at every change of the collection: prefer `get` on a group. */
  all<U>(collection: Collection<U>): U[];
}

/**
 * A pure function of its arguments and of what it reads. Where two inputs give the same output key, the input whose key sorts
 * first wins.
 */
export type Derive<I, T> = (value: I, key: string, read: Reader) => Iterable<readonly [string, T]>;

/** What one input key produced and read. */
export interface Trace {
  readonly outputs: Outputs;
  readonly reads: ReadList;
}

export interface Run<I, T> {
  readonly derive: Derive<I, T>;
  /** The collection that is meant where the derivation names one; throws where it must not read it. */
  resolve(collection: Collection<unknown>): CollectionNode<unknown>;
  /** The outputs where the derivation throws; what was read until then is kept too, so that a cure is noticed. */
  failed(error: unknown, reads: ReadList): Outputs;
}

export function runDerivation<I, T>({ derive, resolve, failed }: Run<I, T>, key: string, value: I): Trace {
  const reads = new ReadList();
  let outputs = new Outputs();
  const reader: Reader = {
    get: <U>(collection: Collection<U>, wanted: string) => {
      const node = resolve(collection) as CollectionNode<U>;
      reads.add(node, wanted);
      return node.get(wanted);
    },
    all: <U>(collection: Collection<U>) => {
      const node = resolve(collection) as CollectionNode<U>;
      reads.add(node, everyKey);
      return [...node.entries()].sort(byKey).map(([, item]) => item);
    },
  };
  try {
    for (const [outKey, output] of derive(value, key, reader)) outputs.set(outKey, output);
  } catch (error) {
    outputs = failed(error, reads);
  }
  return { outputs: outputs.trim(), reads: reads.trim() };
}

/** What a derivation was given and had read. */
export function* inputsOf(value: unknown, reads: ReadList): Iterable<unknown> {
  yield value;
  for (const [node, key] of reads) {
    const collection = node as CollectionNode<unknown>;
    if (key === everyKey) yield* collection.values();
    else yield collection.get(key);
  }
}
