// A collection's values gathered under keys of their own choosing: an index that is itself a collection.
import { byKey } from "../kernel/key-order.ts";
import type { Change, Collection } from "./collection.ts";
import { collectionErrors } from "./errors.ts";
import { CollectionNode } from "./node.ts";

/** `get(key)` gives the values gathered under the key, in order of their own keys. */
export class Group<T> extends CollectionNode<readonly T[]> {
  readonly input: CollectionNode<T>;
  private readonly groupsOf: (value: T, key: string) => Iterable<string>;
  private readonly members = new Map<string, Map<string, T>>();
  private stale = new Set<string>();
  /** False until the first update: made in mid-batch, a group must not gather what the batch may yet take back. */
  private filled = false;

  /** @param groupsOf a pure function: the group keys of a value; none leaves it out */
  constructor(name: string, from: Collection<T>, groupsOf: (value: T, key: string) => Iterable<string>) {
    if (!(from instanceof CollectionNode)) throw collectionErrors.foreignGraph(`${from.name} is not part of a graph`);
    const input = from as CollectionNode<T>;
    super(input.graph, name, input.height + 1, sameMembers);
    this.input = input;
    this.groupsOf = groupsOf;
    input.dependants.add(this);
    this.graph.markDirty(this);
  }

  dispose(): void {
    this.input.dependants.delete(this);
    this.graph.forget(this);
  }

  receive(_input: unknown, changes: readonly Change<unknown>[]): void {
    if (!this.filled) return;
    for (const { key, before, after } of changes as readonly Change<T>[]) {
      if (before !== undefined) this.extract(key, before);
      if (after !== undefined) this.insert(key, after);
    }
  }

  protected update(): void {
    if (!this.filled) {
      this.filled = true;
      for (const [key, value] of this.input.entries()) this.insert(key, value);
    }
    this.work.recomputed += this.stale.size;
    for (const group of this.stale) {
      const members = this.members.get(group);
      if (members === undefined) this.remove(group);
      else
        this.put(
          group,
          [...members].sort(byKey).map(([, value]) => value),
        );
    }
    this.stale = new Set();
  }

  /** Members of one group by key, in no order. */
  membersOf(group: string): Iterable<[string, T]> {
    return this.members.get(group) ?? [];
  }

  /** One bad value must not stop the batch for all others: it is in no group. */
  groupsOfValue(value: T, key: string, isNew: boolean): readonly string[] {
    try {
      return [...this.groupsOf(value, key)];
    } catch (error) {
      if (!isNew) return []; // told when it came
      this.graph.fail({ collection: this.name, key, error, inputs: () => [value] });
      return [];
    }
  }

  private insert(key: string, value: T): void {
    for (const group of this.groupsOfValue(value, key, true)) {
      const members = this.members.get(group);
      if (members === undefined) this.members.set(group, new Map([[key, value]]));
      else members.set(key, value);
      this.stale.add(group);
    }
  }

  private extract(key: string, value: T): void {
    for (const group of this.groupsOfValue(value, key, false)) {
      const members = this.members.get(group);
      members?.delete(key);
      if (members?.size === 0) this.members.delete(group);
      this.stale.add(group);
    }
  }
}

function sameMembers<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
