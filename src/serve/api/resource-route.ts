// `/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUBRESOURCE` → which kind, which objects.
import type { Kind } from "../../config/kind.ts";
import { kindByResource } from "../../config/kinds.ts";
import { isNamespaceName } from "../../config/metadata.ts";
import { quoted } from "../../kernel/quote.ts";
import { StatusError } from "./status-error.ts";

export interface ResourceRoute {
  kind: Kind;
  version: string;
  /** Empty for cluster-scoped kinds, and for all namespaces. */
  namespace: string;
  /** Undefined for the collection. */
  name: string | undefined;
  subresource: string | undefined;
}

/**
 * @param segments decoded path segments, starting with `api` or `apis`
 * @returns undefined where the path is of no served kind
 * @throws StatusError 400 where a name cannot be one
 */
export function resourceRoute(segments: readonly string[]): ResourceRoute | undefined {
  const [root, ...rest] = segments;
  if (root !== "api" && root !== "apis") return undefined;
  const group = root === "api" ? "" : (rest.shift() ?? "");
  const version = rest.shift() ?? "";
  // `/namespaces/NS/PLURAL…`, but `/namespaces/NAME/status` is of the namespace itself.
  const scoped =
    rest[0] === "namespaces" && rest.length >= 3 ? kindByResource(group, version, rest[2] ?? "") : undefined;
  const [namespace = "", plural = "", name, subresource, ...more] =
    scoped === undefined ? ["", ...rest] : rest.slice(1);
  const kind = kindByResource(group, version, plural);
  if (kind === undefined || more.length > 0) return undefined;
  if (scoped !== undefined && kind.scope === "Cluster") return undefined;
  // An object of a namespaced kind is only found in its namespace.
  if (kind.scope === "Namespaced" && name !== undefined && scoped === undefined) return undefined;
  if (namespace !== "" && !isNamespaceName(namespace)) throw badName("namespace", namespace);
  if (name !== undefined && name.length > 253) throw badName("name", name);
  return { kind, version, namespace, name, subresource };
}

function badName(what: string, text: string): StatusError {
  return new StatusError("badRequest", `${quoted(text)} is not a valid ${what}`);
}
