// `/openapi/v3`: one document for each group and version, with which clients explain kinds and find out what the API can.
//
// kubectl validates on the server only where PATCH lists `fieldValidation`, and refuses a dry run where it does not list
// `dryRun`; it finds the operation by `x-kubernetes-group-version-kind`.
import { apiVersionOf, type Kind } from "../../config/kind.ts";
import { openApiSchema } from "../../config/open-api/open-api-schema.ts";
import { contentHash } from "../../kernel/hash.ts";
import { type GroupVersion, groupsOf } from "./discovery.ts";

/** GET /openapi/v3: where each document is; the hash lets clients keep what they have. */
export function openApiIndex(kinds: readonly Kind[]): unknown {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const [group, versions] of groupsOf(kinds)) {
    for (const version of versions) {
      const path = groupPath({ group, version });
      const text = openApiDocument(kinds, { group, version }) ?? "";
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${contentHash(text)}` };
    }
  }
  return { paths };
}

const documents = new WeakMap<readonly Kind[], Map<string, string>>();

/** GET /openapi/v3/apis/GROUP/VERSION, as JSON text; undefined where it is not served. Made once. */
export function openApiDocument(kinds: readonly Kind[], served: GroupVersion): string | undefined {
  const { group, version } = served;
  const own = kinds.filter((kind) => kind.group === group && kind.versions.includes(version));
  if (own.length === 0) return undefined;
  let known = documents.get(kinds);
  if (known === undefined) {
    known = new Map();
    documents.set(kinds, known);
  }
  const path = groupPath(served);
  let text = known.get(path);
  if (text === undefined) {
    text = JSON.stringify(describeDocument(own, served));
    known.set(path, text);
  }
  return text;
}

function groupPath({ group, version }: GroupVersion): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

function describeDocument(kinds: readonly Kind[], served: GroupVersion): object {
  const paths: Record<string, object> = {};
  const schemas: Record<string, object> = {};
  for (const kind of kinds) {
    const name = componentName(kind, served.version);
    schemas[name] = openApiSchema(kind, served.version);
    schemas[`${name}List`] = listSchema(kind, served.version, name);
    Object.assign(paths, describePaths(kind, served, name));
  }
  return { openapi: "3.0.0", info: { title: "Lateen", version: served.version }, paths, components: { schemas } };
}

/** `io.istio.networking.v1.VirtualService`, as API servers name the schemas of custom resources. */
function componentName(kind: Kind, version: string): string {
  const group = kind.group === "" ? ["io", "k8s", "api", "core"] : kind.group.split(".").reverse();
  return [...group, version, kind.kind].join(".");
}

function listSchema(kind: Kind, version: string, name: string): object {
  const text = (description: string) => ({ type: "string", description });
  return {
    type: "object",
    description: `A list of ${kind.kind} objects.`,
    required: ["items"],
    properties: {
      apiVersion: text("Group and version of the API."),
      kind: text(`${kind.kind}List.`),
      metadata: {
        type: "object",
        description: "Revision of the list and how to go on.",
        properties: {
          resourceVersion: text("Revision to watch from."),
          continue: text("Token for the next page; empty on the last."),
          remainingItemCount: { type: "integer", format: "int64", description: "Items behind this page." },
        },
      },
      items: { type: "array", description: "The objects.", items: { $ref: `#/components/schemas/${name}` } },
    },
    "x-kubernetes-group-version-kind": [{ group: kind.group, version, kind: `${kind.kind}List` }],
  };
}

function describePaths(kind: Kind, served: GroupVersion, name: string): Record<string, object> {
  const { version } = served;
  const root = `/${groupPath(served)}`;
  const isNamespaced = kind.scope === "Namespaced";
  const collection = isNamespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
  const schema = { $ref: `#/components/schemas/${name}` };
  const list = { $ref: `#/components/schemas/${name}List` };
  const base = { group: kind.group, version, kind: kind.kind };
  const operation = (
    action: string,
    parameters: readonly object[],
    answer: object,
    body?: readonly string[],
  ): object => ({
    description: `${action} ${kind.kind} (${apiVersionOf(kind, version)})`,
    parameters,
    ...(body === undefined ? {} : { requestBody: { content: contentOf(body, body === objectTypes ? schema : {}) } }),
    responses: { 200: { description: "OK", content: contentOf(["application/json"], answer) } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": base,
  });
  const inNamespace = isNamespaced ? { parameters: [pathParameter("namespace")] } : {};
  const ofObject = { parameters: [...(isNamespaced ? [pathParameter("namespace")] : []), pathParameter("name")] };
  return {
    [collection]: {
      ...inNamespace,
      get: operation("list", listParameters, list),
      post: operation("post", writeParameters, schema, objectTypes),
      delete: operation("deletecollection", listParameters, {}),
    },
    [`${collection}/{name}`]: {
      ...ofObject,
      get: operation("get", [], schema),
      put: operation("put", writeParameters, schema, objectTypes),
      patch: operation("patch", [...writeParameters, query("force", "boolean")], schema, patchTypes),
      delete: operation("delete", [query("dryRun"), query("propagationPolicy")], {}),
    },
    [`${collection}/{name}/status`]: { ...ofObject, get: operation("get", [], schema) },
    ...(isNamespaced ? { [`${root}/${kind.plural}`]: { get: operation("list", listParameters, list) } } : {}),
  };
}

const objectTypes = ["application/json", "application/yaml"];
const patchTypes = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];

function contentOf(types: readonly string[], schema: object): object {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function pathParameter(name: string): object {
  return { name, in: "path", required: true, schema: { type: "string", uniqueItems: true } };
}

function query(name: string, type = "string"): object {
  return { name, in: "query", schema: { type, uniqueItems: true } };
}

const writeParameters = ["dryRun", "fieldManager", "fieldValidation"].map((name) => query(name));
const listParameters = [
  ...["continue", "fieldSelector", "labelSelector", "resourceVersion", "resourceVersionMatch"].map((name) =>
    query(name),
  ),
  ...["limit", "timeoutSeconds"].map((name) => query(name, "integer")),
  ...["allowWatchBookmarks", "sendInitialEvents", "watch"].map((name) => query(name, "boolean")),
];
