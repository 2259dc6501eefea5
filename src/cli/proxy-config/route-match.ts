// What a route matches, in istioctl's words.
import { listOf, textOf } from "../json-value.ts";
import { pick, pickAt } from "./config-dump.ts";

/** `/api*`, `PathPrefix:/api`, `/exact`, `regex ^/a`; headers are not told. */
export function describeRouteMatch(match: unknown): string {
  const parts: string[] = [];
  const prefix = textOf(pick(match, "prefix"));
  if (prefix !== "") parts.push(`${prefix}*`);
  const separated = textOf(pick(match, "path_separated_prefix"));
  if (separated !== "") parts.push(`PathPrefix:${separated}`);
  const path = textOf(pick(match, "path"));
  if (path !== "") parts.push(path);
  const regex = textOf(pickAt(match, "safe_regex", "regex"));
  if (regex !== "") parts.push(`regex ${regex}`);
  return parts.join(" ");
}

/** Routes of a virtual host, in order. */
export function routesOf(virtualHost: unknown): readonly unknown[] {
  return listOf(pick(virtualHost, "routes"));
}

/** Domains of a virtual host. */
export function domainsOf(virtualHost: unknown): string[] {
  return listOf(pick(virtualHost, "domains")).map(textOf);
}
