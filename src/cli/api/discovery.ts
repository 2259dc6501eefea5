// Which kinds the server serves: aggregated discovery (apidiscovery.k8s.io/v2), else the older one per group version.
import { nearestWord } from "../../config/spelling.ts";
import type { Fields } from "../../kernel/fields.ts";
import { quoted } from "../../kernel/quote.ts";
import { cliErrors } from "../errors.ts";
import { fieldsOf, listOf, textOf } from "../json-value.ts";
import { type ApiClient, parseJson } from "./api-client.ts";
import type { ResourceKind } from "./resource-kind.ts";

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/** Groups and versions that are asked one by one of a server without aggregated discovery. */
const groupVersionLimit = 64;

/** Every kind, in its preferred version; kinds in the server's order, the core group first. */
export async function discoverKinds(client: ApiClient): Promise<ResourceKind[]> {
  const [core, groups] = await Promise.all([discoverRoot(client, "/api"), discoverRoot(client, "/apis")]);
  return [...core, ...groups];
}

/**
 * The kind a person means: kind, plural, singular or short name in any case, alone or followed by `.group` or
 * `.version.group`.
 *
 * @throws LateenError LAT9001
 */
export function findKind(kinds: readonly ResourceKind[], word: string): ResourceKind {
  const [name = "", ...rest] = word.toLowerCase().split(".");
  const suffix = rest.join(".");
  const named = kinds.filter(
    (kind) =>
      [kind.kind, kind.plural, kind.singular, ...kind.shortNames].some((known) => known.toLowerCase() === name) &&
      (suffix === "" ||
        suffix === kind.group ||
        suffix === `${kind.version}.${kind.group}` ||
        suffix.endsWith(`.${kind.group}`)),
  );
  const versioned = named.map((kind) => withVersion(kind, suffix));
  if (versioned[0] !== undefined) return versioned[0];
  const words = kinds.flatMap((kind) => [kind.plural, kind.singular, ...kind.shortNames]);
  const nearest = nearestWord(name, words);
  throw cliErrors.usage(`the control plane serves no kind ${quoted(word)}`, {
    remedy: nearest === undefined ? "lateen explain lists the kinds." : `Did you mean ${nearest}?`,
  });
}

/** `virtualservices.v1beta1.networking.istio.io` asks for a version by name. */
function withVersion(kind: ResourceKind, suffix: string): ResourceKind {
  const version = suffix.slice(0, -(kind.group.length + 1));
  return kind.group !== "" && suffix !== kind.group && suffix.endsWith(`.${kind.group}`) && version !== ""
    ? { ...kind, version }
    : kind;
}

async function discoverRoot(client: ApiClient, path: "/api" | "/apis"): Promise<ResourceKind[]> {
  const answer = await client.send({ path, accept: aggregated });
  if (!answer.ok) {
    if (answer.status.code === 404 && path === "/api") return [];
    return await client.json<never>({ path, accept: aggregated });
  }
  const value = fieldsOf(parseJson(answer.text, client.server));
  if (value["kind"] === "APIGroupDiscoveryList") return listOf(value["items"]).flatMap(readAggregatedGroup);
  const versions =
    path === "/api"
      ? listOf(value["versions"]).map((version) => `/api/${textOf(version)}`)
      : listOf(value["groups"]).map(
          (group) => `/apis/${textOf(fieldsOf(fieldsOf(group)["preferredVersion"])["groupVersion"])}`,
        );
  const lists = await Promise.all(
    versions.slice(0, groupVersionLimit).map((each) => client.json<unknown>({ path: each })),
  );
  return lists.flatMap((each) => readResourceList(fieldsOf(each)));
}

function readAggregatedGroup(item: unknown): ResourceKind[] {
  const group = textOf(fieldsOf(fieldsOf(item)["metadata"])["name"]);
  const seen = new Set<string>();
  const kinds: ResourceKind[] = [];
  // The preferred version comes first; a kind that only a later one has is taken from there.
  for (const version of listOf(fieldsOf(item)["versions"]).map(fieldsOf)) {
    for (const resource of listOf(version["resources"]).map(fieldsOf)) {
      const plural = textOf(resource["resource"]);
      if (plural === "" || seen.has(plural)) continue;
      seen.add(plural);
      kinds.push({
        group,
        version: textOf(version["version"]),
        kind: textOf(fieldsOf(resource["responseKind"])["kind"]),
        plural,
        singular:
          textOf(resource["singularResource"]) || textOf(fieldsOf(resource["responseKind"])["kind"]).toLowerCase(),
        shortNames: listOf(resource["shortNames"]).map(textOf),
        namespaced: textOf(resource["scope"]) === "Namespaced",
      });
    }
  }
  return kinds;
}

function readResourceList(value: Fields): ResourceKind[] {
  const [first = "", second] = textOf(value["groupVersion"]).split("/");
  return listOf(value["resources"])
    .map(fieldsOf)
    .filter((resource) => !textOf(resource["name"]).includes("/"))
    .map((resource) => ({
      group: second === undefined ? "" : first,
      version: second ?? first,
      kind: textOf(resource["kind"]),
      plural: textOf(resource["name"]),
      singular: textOf(resource["singularName"]) || textOf(resource["kind"]).toLowerCase(),
      shortNames: listOf(resource["shortNames"]).map(textOf),
      namespaced: resource["namespaced"] === true,
    }));
}
