// Who looks at the mesh. Its namespace and labels are asked about, never read: what nobody of a namespace or with a label was asked
// for is the same for all, and is made once.
import type { Reader } from "../collection/derivation.ts";
import { Fixed } from "../collection/fixed.ts";
import type { Graph } from "../collection/graph.ts";
import type { Scope } from "./scope.ts";

/** What of a scope is asked about. */
export type CallerIdentity = Pick<Scope, "namespace" | "sourceLabels">;

/** A scope without what is asked about. */
export type ScopeTraits = Omit<Scope, keyof CallerIdentity>;

export interface Caller extends ScopeTraits {
  /** True where the caller is of the namespace. */
  is(namespace: string): boolean;
  /** True where the caller has the label, with this value. */
  has(label: string, value: string): boolean;
}

/** What is true of the caller as a collection, to be read by what depends on it: a key for its namespace and for each label. */
export type CallerFacts = Fixed<true>;

/** @param identity what is known of the caller; nothing is true of one that may be anybody */
export function callerFacts(graph: Graph, identity: Partial<CallerIdentity>): CallerFacts {
  return new Fixed<true>(graph, "caller-facts", factsOf(identity));
}

/** By the keys of `CallerFacts`. */
export function factsOf({ namespace, sourceLabels = {} }: Partial<CallerIdentity>): ReadonlyMap<string, true> {
  const keys = Object.entries(sourceLabels).map(([label, value]) => labelFact(label, value));
  return new Map((namespace === undefined ? keys : [namespace, ...keys]).map((key) => [key, true]));
}

/** No namespace is spelled like this. */
function labelFact(label: string, value: string): string {
  return JSON.stringify([label, value]);
}

/** The caller as one derivation knows it: what it asks is a dependency of what it derives. */
export function callerOf(traits: ScopeTraits, facts: CallerFacts, read: Reader): Caller {
  const { autoAddresses, ipv6, ipv6Names } = traits;
  return {
    ...{ autoAddresses, ipv6, ipv6Names },
    is: (namespace) => read.get(facts, namespace) === true,
    has: (label, value) => read.get(facts, labelFact(label, value)) === true,
  };
}
