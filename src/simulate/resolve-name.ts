// What a machine's agent answers for a name of the mesh (Istio's NameTable).
import type { NameTable, NameTable_NameInfo } from "../../gen/istio/networking/nds/v1/nds_pb.ts";

export interface ResolvedName {
  /** Full name of the host; `*.suffix` for a wildcard. */
  readonly host: string;
  readonly ips: readonly string[];
}

/**
 * A full name, one of its short forms, or the wildcard with the longest suffix.
 *
 * @param namespace the machine's own: `reviews` alone is a host of it
 */
export function resolveName(tables: readonly NameTable[], name: string, namespace: string): ResolvedName | undefined {
  const wanted = name.toLowerCase().replace(/\.$/, "");
  const entries = tables.flatMap((table) => Object.entries(table.table));
  const exact = entries.find(([host]) => host.toLowerCase() === wanted);
  const found =
    exact ?? entries.find(([, info]) => shortForms(info, namespace).includes(wanted)) ?? wildcard(entries, wanted);
  return found === undefined ? undefined : { host: found[0], ips: found[1].ips };
}

function shortForms({ shortname, namespace }: NameTable_NameInfo, own: string): string[] {
  if (shortname === "" || namespace === "") return [];
  const forms = [`${shortname}.${namespace}`, `${shortname}.${namespace}.svc`];
  return (namespace === own ? [shortname, ...forms] : forms).map((form) => form.toLowerCase());
}

type Entry = [string, NameTable_NameInfo];

function wildcard(entries: readonly Entry[], wanted: string): Entry | undefined {
  return entries
    .filter(([host]) => host.startsWith("*.") && wanted.endsWith(host.slice(1).toLowerCase()))
    .sort(([a], [b]) => b.length - a.length)[0];
}
