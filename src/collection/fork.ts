// Collections as others see them: where some inputs are replaced by layers over them, layers over all that is made of those. What
// is made of none of them is the same for all.
import { Derived } from "./derived.ts";
import { DerivedLayer } from "./derived-layer.ts";
import { FixedLayer } from "./fixed.ts";
import { Gradual } from "./gradual.ts";
import { Group } from "./group.ts";
import { GroupLayer } from "./group-layer.ts";
import { Join } from "./join.ts";
import { JoinLayer } from "./join-layer.ts";
import { Layer } from "./layer.ts";
import type { CollectionNode } from "./node.ts";

/** A collection of a kind of its own that can be layered. */
export interface Forkable {
  /** The collection with the versions of what it is made of; itself where they are all the same. */
  fork(name: string, versionOf: <T>(node: CollectionNode<T>) => CollectionNode<T>): CollectionNode<unknown>;
}

/** More inputs than this are not derived at once. */
const fewInputs = 16;

export class Fork {
  private readonly name: string;
  private readonly atOnce: number;
  private readonly versions = new Map<CollectionNode<unknown>, CollectionNode<unknown>>();
  private readonly made: Layer<unknown>[] = [];
  private readonly asleep: FixedLayer<unknown>[] = [];
  private readonly slow: DerivedLayer<unknown, unknown>[] = [];

  /**
   * @param name what the layers are for, for people who look
   * @param atOnce inputs that a layer derives at once while the fork is filled; where there are more, all of them wait
   */
  constructor(name: string, atOnce: number = fewInputs) {
    this.name = name;
    this.atOnce = atOnce;
  }

  /** The collection as it is here. */
  readonly versionOf = <T>(node: CollectionNode<T>): CollectionNode<T> =>
    (this.versions.get(node as CollectionNode<unknown>) ?? node) as CollectionNode<T>;

  /**
   * Here, the layer stands for its base; it is disposed of with the fork. One that sleeps is woken when the fork is filled:
   * to be different from a base that is itself being filled would be work at each of its steps.
   */
  replace<T>(layer: Layer<T>): void {
    if (layer instanceof FixedLayer && !layer.isAwake) this.asleep.push(layer as FixedLayer<unknown>);
    this.enter(layer.base as CollectionNode<unknown>, layer as Layer<unknown>);
  }

  /** Makes the layer of a collection, if it is made of what is different here: to be called in the order they were made. */
  add(node: CollectionNode<unknown>): void {
    const version = this.make(node);
    if (version !== node) this.enter(node, version);
  }

  /** Derives some more of what is different, a few milliseconds of work; false where there is no more. */
  fill(count: number): boolean {
    if (this.asleep.length > 0) {
      this.wake();
      return true;
    }
    const next = this.slow.find((layer) => !layer.open);
    next?.release(count);
    if (next === undefined) for (const layer of this.slow) layer.ungate();
    return next !== undefined;
  }

  /** Derives all that is different, now or at the end of the batch. */
  fillAtOnce(): void {
    for (const layer of this.slow) {
      layer.ungate();
      layer.release(Number.POSITIVE_INFINITY);
    }
    this.wake();
  }

  private wake(): void {
    for (const layer of this.asleep.splice(0)) layer.wake();
  }

  dispose(): void {
    for (const layer of this.made.reverse()) layer.dispose();
    this.made.length = 0;
  }

  private enter(base: CollectionNode<unknown>, version: CollectionNode<unknown>): void {
    this.versions.set(base, version);
    if (!(version instanceof Layer) || version.base !== base) return;
    this.made.push(version);
    if (version instanceof DerivedLayer) this.slow.push(version);
  }

  private make(node: CollectionNode<unknown>): CollectionNode<unknown> {
    const { versionOf } = this;
    const name = `${node.name}, ${this.name}`;
    if (node instanceof Derived) {
      const input = versionOf(node.input);
      const used = new Map([...node.used].map((each) => [each, versionOf(each)]));
      const isSame = input === node.input && [...used].every(([each, version]) => each === version);
      return isSame ? node : new DerivedLayer({ name, base: node, input, used, atOnce: this.atOnce });
    }
    if ((node as object) instanceof Group) {
      const group = node as unknown as Group<unknown>;
      const input = versionOf(group.input);
      if (!(input instanceof Layer)) return node;
      return new GroupLayer(name, group, input) as unknown as CollectionNode<unknown>;
    }
    if (node instanceof Join) {
      const inputs = node.inputs.map(versionOf);
      return inputs.some((input, at) => input !== node.inputs[at]) ? new JoinLayer(name, node, inputs) : node;
    }
    if (node instanceof Gradual) return versionOf(node.input) === node.input ? node : versionOf(node.input);
    if ("fork" in node) return (node as unknown as Forkable).fork(name, versionOf);
    return node;
  }
}
