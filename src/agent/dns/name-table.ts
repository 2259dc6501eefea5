// Istio's NameTable → a lookup. Short forms are worked out from the question, so a table of 100,000 names is ready at once.
import type { NameTable, NameTable_NameInfo } from "../../../gen/istio/networking/nds/v1/nds_pb.ts";
import { parseIp } from "../../kernel/ip-address.ts";
import { encodeName, normalizeName } from "./dns-name.ts";
import { dnsErrors } from "./errors.ts";

/** A host of the mesh. */
export interface MeshName {
  /** The host's full name, text form. */
  readonly host: string;
  /** 4 bytes each. */
  readonly ipv4: readonly Uint8Array[];
  /** 16 bytes each. */
  readonly ipv6: readonly Uint8Array[];
}

/** Answers which host a question names. Immutable: a new table is a new lookup. */
export interface NameLookup {
  /** Hosts, wildcard hosts included. */
  readonly size: number;
  /** Entries whose host was no name. */
  readonly skipped: number;
  /** A host by its full name or one of its short forms, never by a wildcard. */
  findExact(name: string): MeshName | undefined;
  /** The wildcard host with the longest suffix that holds the name. */
  findWildcard(name: string): MeshName | undefined;
}

/** Hosts of one table; 100,000 names are a large mesh. */
const hostLimit = 262_144;

interface Entry {
  readonly host: string;
  readonly info: NameTable_NameInfo;
  found?: MeshName;
}

/**
 * Short forms follow Istio: `reviews` inside its own namespace, `reviews.shop`, `reviews.shop.svc`; they exist where the
 * entry has a shortname and a namespace.
 *
 * @param options.namespace the machine's own
 * @param options.domainSuffix such as `cluster.local`
 * @throws LateenError LAT4302
 */
export function compileNameTable(table: NameTable, options: { namespace: string; domainSuffix: string }): NameLookup {
  const namespace = options.namespace.toLowerCase();
  const domainSuffix = options.domainSuffix.toLowerCase();
  const hosts = new Map<string, Entry>();
  const others = new Map<string, Entry>();
  const wildcards = new Map<string, Entry>();
  let skipped = 0;
  const keys = Object.keys(table.table);
  if (keys.length > hostLimit) {
    throw dnsErrors.tableTooLarge(`the table has ${keys.length} names, more than ${hostLimit}`);
  }
  for (const key of keys) {
    const info = table.table[key];
    const wildcard = key.startsWith("*.");
    const host = normalizeName(wildcard ? key.slice(2) : key);
    if (info === undefined || host === undefined) {
      skipped += 1;
      continue;
    }
    const entry: Entry = { host: wildcard ? `*.${host}` : host, info };
    (wildcard ? wildcards : hosts).set(host, entry);
    for (const other of info.altHosts) addOther(others, normalizeName(other), entry);
  }

  const derived = (name: string): Entry | undefined => {
    const full = (text: string): Entry | undefined => {
      const entry = hosts.get(`${text}.svc.${domainSuffix}`);
      const parts = entry?.info;
      return parts !== undefined &&
        parts.shortname !== "" &&
        `${parts.shortname}.${parts.namespace}`.toLowerCase() === text
        ? entry
        : undefined;
    };
    return (name.endsWith(".svc") ? full(name.slice(0, -4)) : undefined) ?? full(name) ?? full(`${name}.${namespace}`);
  };
  return {
    size: hosts.size + wildcards.size,
    skipped,
    findExact(name) {
      const entry = hosts.get(name) ?? derived(name) ?? others.get(name);
      return entry === undefined ? undefined : resolved(entry);
    },
    findWildcard(name) {
      for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
        const entry = wildcards.get(name.slice(dot + 1));
        if (entry !== undefined) return resolved(entry);
      }
      return undefined;
    },
  };
}

/** Where two hosts claim the same other name, Kubernetes' own goes first, then the alphabet: never the order of arrival. */
function addOther(others: Map<string, Entry>, name: string | undefined, entry: Entry): void {
  if (name === undefined || others.size >= hostLimit) return;
  const rank = ({ host, info }: Entry): string => `${info.registry === "Kubernetes" ? 0 : 1}${host}`;
  const present = others.get(name);
  if (present === undefined || rank(entry) < rank(present)) others.set(name, entry);
}

/** Addresses are parsed when a host is first asked for, and kept. */
function resolved(entry: Entry): MeshName {
  if (entry.found === undefined) {
    const addresses = entry.info.ips.map(parseIp).filter((address) => address !== undefined);
    entry.found = {
      host: entry.host,
      ipv4: addresses.filter((address) => address.length === 4),
      ipv6: addresses.filter((address) => address.length === 16),
    };
  }
  return entry.found;
}

/** The wire form of a host that a search domain or short form stands for; undefined for wildcards. */
export function canonicalName(name: MeshName): Uint8Array | undefined {
  return name.host.startsWith("*.") ? undefined : encodeName(name.host);
}
