// What scopes see of the mesh, as resources. Scopes that differ in nothing but their namespace and labels are layers over one base:
// each holds what is different for its callers.

import { FixedLayer } from "../collection/fixed.ts";
import { Fork } from "../collection/fork.ts";
import type { Graph } from "../collection/graph.ts";
import type { CollectionNode } from "../collection/node.ts";
import { Tally } from "../kernel/tally.ts";
import { type CallerIdentity, factsOf } from "../model/caller.ts";
import type { Mesh } from "../model/mesh.ts";
import { type Scope, scopeKey, scopeTraitsKey } from "../model/scope.ts";
import { ScopeView } from "../model/scope-view.ts";
import type { InternedResources } from "./interned.ts";
import { ScopeResources } from "./scope-resources.ts";
import type { ResourceSets } from "./served-half.ts";
import { type Shared, SharedTable } from "./shared-table.ts";

/** Differences that one step of filling takes up: a few milliseconds of work with all that is made of them. */
const stepSize = 24;

/**
 * Of the namespaces whose scopes could share a base, so many have a view of their own: where there are no others, the base would be
 * made for nothing. Scopes with labels are layers over the view of their namespace.
 */
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
  /** See `aloneLimit`; where it is infinite, each scope has a view of its own, whatever its labels. */
  readonly alone?: number;
}

export class Scopes {
  private readonly options: ScopesOptions;
  /** Views that scopes are, or are layers over. */
  private readonly bases = new SharedTable<WholeScope>();
  /** Scopes of a namespace that has a view of its own, by namespace and what they have in common. */
  private readonly ofAlone = new Tally<string>();
  /** Such namespaces, and scopes of others, by what they have in common. */
  private readonly alone = new Tally<string>();
  private readonly layers = new Tally<string>();

  constructor(options: ScopesOptions) {
    this.options = options;
  }

  make(scope: Scope): ScopeSets {
    const { alone = aloneLimit } = this.options;
    const { namespace, sourceLabels } = scope;
    if (alone === Number.POSITIVE_INFINITY) return this.makeOver(scope, { namespace, sourceLabels });
    const common = scopeTraitsKey(scope);
    const own = scopeKey({ ...scope, sourceLabels: {} });
    const isAlone = this.ofAlone.get(own) > 0 || (this.alone.get(common) < alone && this.layers.get(common) === 0);
    if (!isAlone) {
      this.layers.add(common);
      return this.makeOver(scope, {}, () => this.layers.remove(common));
    }
    if (this.ofAlone.add(own) === 1) this.alone.add(common);
    return this.makeOver(scope, { namespace }, () => {
      this.ofAlone.remove(own);
      if (this.ofAlone.get(own) === 0) this.alone.remove(common);
    });
  }

  /** @param identity what the view knows of the caller; the layer over it adds the rest */
  private makeOver(scope: Scope, identity: Partial<CallerIdentity>, onDispose: () => void = () => {}): ScopeSets {
    const { namespace, sourceLabels, ...traits } = scope;
    const { mesh, graph, interned } = this.options;
    const base: Shared<WholeScope> = this.bases.take(
      JSON.stringify([scopeTraitsKey(scope), [...factsOf(identity).keys()]]),
      () => new WholeScope(new ScopeView(mesh, graph, { traits, identity }), interned),
    );
    const whole = base.value;
    const facts = new Map([...factsOf(scope)].filter(([key]) => !whole.view.facts.has(key)));
    if (facts.size === 0) {
      return {
        kind: "whole",
        sets: whole.resources.sets,
        fill: () => whole.fill(),
        fillAtOnce: () => whole.fillAtOnce(),
        dispose: () => {
          onDispose();
          base.release();
        },
      };
    }
    const { view, resources } = whole;
    const fork = new Fork("of some callers");
    fork.replace(new FixedLayer<true>("caller-facts, of some callers", view.facts, facts, false));
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
        onDispose();
        fork.dispose();
        base.release();
      },
    };
  }
}
