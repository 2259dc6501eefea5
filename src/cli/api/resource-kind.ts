// A kind as the server serves it, without its schema.

export interface ResourceKind {
  /** Empty for Kubernetes' core. */
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  namespaced: boolean;
}

/** `virtualservice.networking.istio.io`, as kubectl names an object's kind in results. */
export function resourceLabel(kind: { group: string; singular: string }): string {
  return kind.group === "" ? kind.singular : `${kind.singular}.${kind.group}`;
}

/** `virtualservices.networking.istio.io`, as kubectl names a collection. */
export function collectionLabel(kind: ResourceKind): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}
