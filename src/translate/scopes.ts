// What scopes see of the mesh, as resources. Scopes that differ in nothing but their namespace are layers over one base: each
// holds what is different for callers of its namespace.

import { FixedLayer } from "../collection/fixed.ts";
import { Fork } from "../collection/fork.ts";
import type { Graph } from "../collection/graph.ts";
import type { CollectionNode } from "../collection/node.ts";
import { Tally } from "../kernel/tally.ts";
import type { Mesh } from "../model/mesh.ts";
import { type Scope, scopeTraitsKey } from "../model/scope.ts";
import { ScopeView } from "../model/scope-view.ts";
import type { InternedResources } from "./interned.ts";
import { ScopeResources } from "./scope-resources.ts";
import type { ResourceSets } from "./served-half.ts";
import { type Shared, SharedTable } from "./shared-table.ts";

/** Differences that one step of filling takes up: a few milliseconds of work with all that is made of them. */
const stepSize = 24;

/** Of scopes that could share a base, so many have a view of their own: where there are no others, the base would be made for nothing. */
const aloneLimit = 1;

export interface ScopeSets {
  readonly sets: ResourceSets;
  /** Whether it is a view of its own, or what is different from a base. */
  readonly kind: "whole" | "layer";
  /** Does some milliseconds of work; false where all is there. To be called outside of batches. */
  fill(): boolean;
  fillAtOnce(): void;
  dispose(): void;
}

/** A view of the mesh with its resources. */
class WholeScope {
  readonly view: ScopeView;
  readonly resources: ScopeResources;

  constructor(view: ScopeView, interned: InternedResources) {
    this.view = view;
    this.resources = new ScopeResources(view, interned);
  }

  get nodes(): CollectionNode<unknown>[] {
    return [...this.view.nodes, ...this.resources.nodes];
  }

  /** Takes up some more of the mesh; false where all is there. */
  fill(): boolean {
    const isMore = this.view.fill();
    if (!isMore) this.resources.complete();
    return isMore;
  }

  fillAtOnce(): void {
    this.view.fillAtOnce();
    this.resources.complete();
  }

  dispose(): void {
    this.resources.dispose();
    this.view.dispose();
  }
}

export interface ScopesOptions {
  readonly mesh: Mesh;
  readonly graph: Graph;
  readonly interned: InternedResources;
  /** See `aloneLimit`. */
  readonly alone?: number;
}

export class Scopes {
  private readonly options: ScopesOptions;
  private readonly bases = new SharedTable<WholeScope>();
  /** Views of their own, and layers, by what they have in common. */
  private readonly alone = new Tally<string>();
  private readonly layers = new Tally<string>();

  constructor(options: ScopesOptions) {
    this.options = options;
  }

  make(scope: Scope): ScopeSets {
    const traits = scopeTraitsKey(scope);
    const { alone = aloneLimit } = this.options;
    const isAlone = this.alone.get(traits) < alone && this.layers.get(traits) === 0;
    return isAlone ? this.makeWhole(scope, traits) : this.makeLayer(scope, traits);
  }

  private makeWhole(scope: Scope, key: string): ScopeSets {
    const { namespace, ...traits } = scope;
    const { mesh, graph, interned } = this.options;
    this.alone.add(key);
    const whole = new WholeScope(new ScopeView(mesh, graph, { traits, namespace }), interned);
    return {
      kind: "whole",
      sets: whole.resources.sets,
      fill: () => whole.fill(),
      fillAtOnce: () => whole.fillAtOnce(),
      dispose: () => {
        this.alone.remove(key);
        whole.dispose();
      },
    };
  }

  private makeLayer(scope: Scope, key: string): ScopeSets {
    const { namespace, ...traits } = scope;
    const { mesh, graph, interned } = this.options;
    const base: Shared<WholeScope> = this.bases.take(
      key,
      () => new WholeScope(new ScopeView(mesh, graph, { traits, namespace: undefined }), interned),
    );
    this.layers.add(key);
    const whole = base.value;
    const { view, resources } = whole;
    const fork = new Fork("of a namespace");
    const own = new Map<string, true>([[namespace, true]]);
    fork.replace(new FixedLayer<true>("caller-namespace, of a namespace", view.namespace, own, false));
    for (const node of whole.nodes) fork.add(node);
    return {
      kind: "layer",
      sets: new Map(
        [...resources.sets].map(([typeUrl, sets]) => [
          typeUrl,
          sets.map((set) => fork.versionOf(set as CollectionNode<never>)),
        ]),
      ),
      fill: () => whole.fill() || fork.fill(stepSize),
      fillAtOnce: () => {
        whole.fillAtOnce();
        fork.fillAtOnce();
      },
      dispose: () => {
        this.layers.remove(key);
        fork.dispose();
        base.release();
      },
    };
  }
}
