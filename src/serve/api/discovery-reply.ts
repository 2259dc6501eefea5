// Paths of discovery and OpenAPI → their documents.
import type { Kind } from "../../config/kind.ts";
import { aggregatedDiscovery, coreVersions, groupList, groupOf, resourceList } from "./discovery.ts";
import { type ApiReply, jsonReply } from "./http-exchange.ts";
import { openApiDocument, openApiIndex } from "./open-api.ts";

/** @returns undefined where the path is none of discovery */
export function discoveryReply(
  kinds: readonly Kind[],
  segments: readonly string[],
  accept: string | undefined,
): ApiReply | undefined {
  const [root, first, second, third, ...more] = segments;
  if (root === "openapi" && first === "v3") {
    if (second === undefined) return jsonReply(200, openApiIndex(kinds));
    const served =
      second === "api" ? { group: "", version: third ?? "" } : { group: third ?? "", version: more[0] ?? "" };
    const text = segments.length === (second === "api" ? 4 : 5) ? openApiDocument(kinds, served) : undefined;
    return text === undefined ? undefined : { t: "text", code: 200, text, contentType: "application/json" };
  }
  if (root !== "api" && root !== "apis") return undefined;
  const isCore = root === "api";
  if (first === undefined) {
    const version = aggregatedVersion(accept);
    if (version === undefined) return jsonReply(200, isCore ? coreVersions() : groupList(kinds));
    return {
      t: "json",
      code: 200,
      body: aggregatedDiscovery(kinds, isCore, version),
      contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    };
  }
  let body: unknown;
  if (isCore && second === undefined) body = resourceList(kinds, { group: "", version: first });
  if (!isCore && second === undefined) body = groupOf(kinds, first);
  if (!isCore && second !== undefined && third === undefined)
    body = resourceList(kinds, { group: first, version: second });
  return body === undefined ? undefined : jsonReply(200, body);
}

/** The first form that the client accepts; undefined for the old one. */
function aggregatedVersion(accept: string | undefined): "v2" | "v2beta1" | undefined {
  for (const range of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (type !== "application/json") continue;
    if (!parameters.includes("as=APIGroupDiscoveryList") || !parameters.includes("g=apidiscovery.k8s.io")) {
      if (parameters.every((parameter) => parameter.startsWith("q="))) return undefined;
      continue;
    }
    for (const version of ["v2", "v2beta1"] as const) if (parameters.includes(`v=${version}`)) return version;
  }
  return undefined;
}
