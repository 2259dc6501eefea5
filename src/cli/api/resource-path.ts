// Paths of the Kubernetes-shaped API.
import { quoted } from "../../kernel/quote.ts";
import { cliErrors } from "../errors.ts";
import type { ResourceKind } from "./resource-kind.ts";

/**
 * `/apis/networking.istio.io/v1/namespaces/shop/virtualservices/reviews`.
 *
 * @param namespace undefined: all namespaces, or a cluster-scoped kind
 * @param name undefined: the collection
 * @throws LateenError LAT9001 where a name cannot be a path segment
 */
export function resourcePath(kind: ResourceKind, namespace: string | undefined, name?: string): string {
  const root = kind.group === "" ? "/api" : `/apis/${segment(kind.group)}`;
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${segment(namespace)}` : "";
  return `${root}/${segment(kind.version)}${scope}/${segment(kind.plural)}${name === undefined ? "" : `/${segment(name)}`}`;
}

/** Longest name of anything in the API, characters. */
const nameLimit = 253;

function segment(text: string): string {
  // Kubernetes' rule for path segments; a server or proxy may resolve these instead of taking them as names.
  if (text === "" || text === "." || text === ".." || /[/%\\]/.test(text) || text.length > nameLimit) {
    throw cliErrors.usage(`${quoted(text)} cannot be a name`);
  }
  return encodeURIComponent(text);
}
