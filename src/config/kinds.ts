// Every kind that is served, and how a reader's word finds one.
import { authorizationPolicyKind } from "./authorization-policy/authorization-policy.ts";
import { destinationRuleKind } from "./destination-rule/destination-rule.ts";
import { apiVersionOf, type Kind } from "./kind.ts";
import { namespaceKind } from "./namespace/namespace.ts";
import { peerAuthenticationKind } from "./peer-authentication/peer-authentication.ts";
import { serviceEntryKind } from "./service-entry/service-entry.ts";
import { virtualServiceKind } from "./virtual-service/virtual-service.ts";
import { workloadEntryKind } from "./workload-entry/workload-entry.ts";
import { workloadGroupKind } from "./workload-group/workload-group.ts";

/** In the order in which help and discovery list them. */
export const kinds: readonly Kind[] = [
  virtualServiceKind,
  destinationRuleKind,
  serviceEntryKind,
  workloadEntryKind,
  workloadGroupKind,
  peerAuthenticationKind,
  authorizationPolicyKind,
  namespaceKind,
];

const byWord = new Map<string, Kind>();
const byGvk = new Map<string, Kind>();
const byResource = new Map<string, Kind>();

for (const kind of kinds) {
  for (const word of [kind.kind, kind.plural, kind.singular, ...kind.shortNames]) {
    byWord.set(word.toLowerCase(), kind);
    byWord.set(`${word.toLowerCase()}.${kind.group}`, kind);
    for (const version of kind.versions) byWord.set(`${word.toLowerCase()}.${version}.${kind.group}`, kind);
  }
  for (const version of kind.versions) {
    byGvk.set(`${apiVersionOf(kind, version)}/${kind.kind}`, kind);
    byResource.set(`${kind.group}/${version}/${kind.plural}`, kind);
  }
}

/**
 * The kind a person means: its kind, plural, singular or short name in any case, alone or followed by `.group` or
 * `.version.group`, as kubectl takes them.
 */
export function kindByName(word: string): Kind | undefined {
  return byWord.get(word.toLowerCase());
}

/** The kind of a document, by any served `apiVersion` (`networking.istio.io/v1`) and its exact `kind`. */
export function kindByGvk(apiVersion: string, kind: string): Kind | undefined {
  return byGvk.get(`${apiVersion}/${kind}`);
}

/** The kind behind an API path `/apis/GROUP/VERSION/…/PLURAL`; the group is empty for Kubernetes' core. */
export function kindByResource(group: string, version: string, plural: string): Kind | undefined {
  return byResource.get(`${group}/${version}/${plural}`);
}
