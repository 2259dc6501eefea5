// A keyed set of values that tells what changed.

export interface Change<T> {
  readonly key: string;
  /** Undefined where the key is new. */
  readonly before: T | undefined;
  /** Undefined where the key is gone. */
  readonly after: T | undefined;
}

/** Ends a subscription; calling it again does nothing. */
export type Unsubscribe = () => void;

/**
 * Values are immutable; a change is another value. Listeners are called once per batch, after every collection of the
 * graph has settled, with at most one change per key and none whose values are equal.
 */
export interface Collection<T> {
  readonly name: string;
  readonly size: number;
  /** Grows with every change of what is here: while it stays, so do the values and their order. */
  readonly generation: number;
  get(key: string): T | undefined;
  has(key: string): boolean;
  keys(): IterableIterator<string>;
  values(): IterableIterator<T>;
  entries(): IterableIterator<[string, T]>;
  /** Does not replay: read what is there first, then subscribe, in the same turn. */
  subscribe(listener: (changes: readonly Change<T>[]) => void): Unsubscribe;
}
