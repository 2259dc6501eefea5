// A group with other members than its base has.
import { byKey } from "../kernel/key-order.ts";
import { SetMap } from "../kernel/set-map.ts";
import type { Change } from "./collection.ts";
import type { GraphNode } from "./graph-node.ts";
import type { Group } from "./group.ts";
import { InputLayer } from "./input-layer.ts";
import { asBase, type Layer } from "./layer.ts";

export class GroupLayer<T> extends InputLayer<T, readonly T[]> {
  private readonly of: Group<T>;
  /** Groups that a member is in here or in the base, of members that are different. */
  private readonly groups = new Map<string, readonly string[]>();
  /** Different members by group. */
  private readonly members = new SetMap<string, string>();

  /** @param input what stands for the base's input */
  constructor(name: string, base: Group<T>, input: Layer<T>) {
    super(name, base, input);
    this.of = base;
    this.begin();
  }

  protected note(node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (node === (this.of as GraphNode) || this.groups.size === 0) return;
    for (const { key, before, after } of changes as readonly Change<T>[]) {
      if (this.groups.has(key)) this.stale.add(key);
      // A value that goes from one key to another may change its place in a group, of which the base tells nothing.
      else if (node === (this.input.base as GraphNode)) {
        for (const value of [before, after]) {
          if (value === undefined) continue;
          for (const group of this.of.groupsOfValue(value, key, false)) {
            if (this.members.get(group).size > 0) this.undecided.add(group);
          }
        }
      }
    }
  }

  protected look(): void {
    for (const key of this.stale) {
      for (const group of this.groups.get(key) ?? []) {
        this.members.delete(group, key);
        this.undecided.add(group);
      }
      if (!this.input.differs(key)) {
        this.groups.delete(key);
        continue;
      }
      const groups = [...new Set([...this.groupsIn(this.input.base, key), ...this.groupsIn(this.input, key)])];
      this.groups.set(key, groups);
      for (const group of groups) {
        this.members.add(group, key);
        this.undecided.add(group);
      }
    }
  }

  protected concerns(group: string): boolean {
    return this.members.get(group).size > 0;
  }

  protected decide(group: string): readonly T[] | undefined | typeof asBase {
    const different = this.members.get(group);
    if (different.size === 0) return asBase;
    const all: [string, T][] = [];
    for (const member of this.of.membersOf(group)) if (!different.has(member[0])) all.push(member);
    for (const key of different) {
      const value = this.input.get(key);
      if (value !== undefined && this.of.groupsOfValue(value, key, false).includes(group)) all.push([key, value]);
    }
    return all.length === 0 ? undefined : all.sort(byKey).map(([, value]) => value);
  }

  private groupsIn(collection: { get(key: string): T | undefined }, key: string): readonly string[] {
    const value = collection.get(key);
    return value === undefined ? [] : this.of.groupsOfValue(value, key, collection === this.input);
  }
}
