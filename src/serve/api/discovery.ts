// What the API serves, as clients discover it: `/api`, `/apis`, the lists of each version, and all in one (apidiscovery.k8s.io/v2).
import { apiVersionOf, type Kind } from "../../config/kind.ts";

/** What clients may do with each kind. */
export const resourceVerbs = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
] as const;
const statusVerbs = ["get"] as const;

export interface GroupVersion {
  group: string;
  version: string;
}

/** Groups in the order of the kinds, each with its versions, the preferred first. */
export function groupsOf(kinds: readonly Kind[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { group, versions } of kinds) {
    const known = groups.get(group) ?? [];
    groups.set(group, [...known, ...versions.filter((version) => !known.includes(version))]);
  }
  return groups;
}

function kindsOf(kinds: readonly Kind[], group: string, version: string): Kind[] {
  return kinds.filter((kind) => kind.group === group && kind.versions.includes(version));
}

/** GET /api (meta/v1 APIVersions). */
export function coreVersions(): unknown {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

/** GET /apis (meta/v1 APIGroupList). */
export function groupList(kinds: readonly Kind[]): unknown {
  const names = [...groupsOf(kinds).keys()].filter((group) => group !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: names.map((group) => describeGroup(kinds, group)) };
}

/** GET /apis/GROUP (meta/v1 APIGroup); undefined where it is not served. */
export function groupOf(kinds: readonly Kind[], group: string): unknown {
  if (group === "" || !groupsOf(kinds).has(group)) return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...describeGroup(kinds, group) };
}

function describeGroup(kinds: readonly Kind[], group: string): object {
  const versions = (groupsOf(kinds).get(group) ?? []).map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

/** GET /api/v1 and /apis/GROUP/VERSION (meta/v1 APIResourceList); undefined where it is not served. */
export function resourceList(kinds: readonly Kind[], { group, version }: GroupVersion): unknown {
  const served = kindsOf(kinds, group, version);
  const [first] = served;
  if (first === undefined) return undefined;
  const resources = served.flatMap((kind) => {
    const base = { namespaced: kind.scope === "Namespaced", kind: kind.kind };
    const main = {
      name: kind.plural,
      singularName: kind.singular,
      ...base,
      verbs: resourceVerbs,
      ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
      ...(categoriesOf(kind).length === 0 ? {} : { categories: categoriesOf(kind) }),
    };
    return [main, { name: `${kind.plural}/status`, singularName: "", ...base, verbs: statusVerbs }];
  });
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersionOf(first, version), resources };
}

/** GET /api or /apis with `as=APIGroupDiscoveryList`: all in one answer. */
export function aggregatedDiscovery(kinds: readonly Kind[], core: boolean, apiVersion: "v2" | "v2beta1"): unknown {
  const names = [...groupsOf(kinds)].filter(([group]) => (group === "") === core);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
    metadata: {},
    items: names.map(([group, versions]) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        freshness: "Current",
        resources: kindsOf(kinds, group, version).map((kind) => discoverKind(kind, group, version)),
      })),
    })),
  };
}

function discoverKind(kind: Kind, group: string, version: string): object {
  const responseKind = { group, version, kind: kind.kind };
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.scope,
    singularResource: kind.singular,
    verbs: resourceVerbs,
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(categoriesOf(kind).length === 0 ? {} : { categories: categoriesOf(kind) }),
    subresources: [{ subresource: "status", responseKind, verbs: statusVerbs }],
  };
}

/** `kubectl get istio-io` lists Istio's kinds. */
function categoriesOf({ group }: Kind): string[] {
  const [area, ...domain] = group.split(".");
  return domain.join(".") === "istio.io" ? ["istio-io", `${area}-istio-io`] : [];
}
