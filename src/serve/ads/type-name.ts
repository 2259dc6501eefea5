// Short names of types: columns of proxy-status and labels of metrics.
import type { XdsColumn } from "../../contract/proxy-status.ts";
import { type TypeName, typeUrls } from "../../xds/type-url.ts";

const shortNames: Readonly<Record<TypeName, string>> = {
  cluster: "cds",
  endpoint: "eds",
  listener: "lds",
  route: "rds",
  virtualHost: "vhds",
  secret: "sds",
  extensionConfig: "ecds",
  nameTable: "nds",
  proxyConfig: "pcds",
  health: "health",
  query: "query",
  machine: "machine",
  routePart: "rds", // routes, however they travel
};

const namesByUrl = new Map(
  Object.entries(typeUrls).map(([name, url]) => [url as string, shortNames[name as TypeName]]),
);
const columns: ReadonlySet<string> = new Set<XdsColumn>(["CDS", "LDS", "EDS", "RDS", "ECDS", "NDS"]);

/** All of them. */
export const typeNames: ReadonlySet<string> = new Set(namesByUrl.values());

/** `cds` for clusters; `other` for types Lateen does not make, so that labels stay few. */
export function typeName(typeUrl: string): string {
  return namesByUrl.get(typeUrl) ?? "other";
}

/** The column of proxy-status, for the types that have one. */
export function columnOf(typeUrl: string): XdsColumn | undefined {
  const name = typeName(typeUrl).toUpperCase();
  return columns.has(name) ? (name as XdsColumn) : undefined;
}
