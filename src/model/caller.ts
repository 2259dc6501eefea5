// Who looks at the mesh. Its namespace is asked about, never read: what nobody of a namespace was asked for is the same for all
// namespaces, and is made once.
import type { Reader } from "../collection/derivation.ts";
import { Fixed } from "../collection/fixed.ts";
import type { Graph } from "../collection/graph.ts";
import type { Scope } from "./scope.ts";

/** A scope without its namespace. */
export type ScopeTraits = Omit<Scope, "namespace">;

export interface Caller extends ScopeTraits {
  /** True where the caller is of the namespace. */
  is(namespace: string): boolean;
}

/** The caller's namespace as a collection, to be read by what depends on it: its one key, or none where it may be any. */
export type CallerNamespace = Fixed<true>;

export function callerNamespace(graph: Graph, namespace: string | undefined): CallerNamespace {
  return new Fixed<true>(graph, "caller-namespace", namespace === undefined ? [] : [[namespace, true]]);
}

/** The caller as one derivation knows it: what it asks is a dependency of what it derives. */
export function callerOf(traits: ScopeTraits, namespace: CallerNamespace, read: Reader): Caller {
  const { autoAddresses, sourceLabels, ipv6, ipv6Names } = traits;
  return {
    ...{ autoAddresses, sourceLabels, ipv6, ipv6Names },
    is: (name) => read.get(namespace, name) === true,
  };
}
