// Host names as Istio's kinds spell them: short, fully qualified, or with a leading wildcard.

declare const hostnameBrand: unique symbol;
/** A host in lower case, fully qualified unless it is external; may start with `*.` or be `*`. */
export type Hostname = string & { readonly [hostnameBrand]: true };

/**
 * The full name of a host named by an object of `namespace`: `reviews` becomes `reviews.shop.svc.cluster.local`; a name
 * with a dot stays as it is (Istio's ResolveShortnameToFQDN).
 */
export function resolveHost(host: string, namespace: string, domainSuffix: string): Hostname {
  // With a dot at its end, a name is the same one, spelled absolutely (RFC 1034 section 3.1).
  const lower = host.toLowerCase().replace(/\.$/, "");
  return (lower === "*" || lower.includes(".") ? lower : `${lower}.${namespace}.svc.${domainSuffix}`) as Hostname;
}

export function isWildcardHost(host: string): boolean {
  return host.startsWith("*");
}

/** `host` itself and the wildcards that cover it, most specific first: `a.b.c`, `*.b.c`, `*.c`, `*`. */
export function coveringHosts(host: Hostname): Hostname[] {
  const covering: string[] = [host];
  let rest: string = host.startsWith("*.") ? host.slice(2) : host;
  for (let dot = rest.indexOf("."); dot >= 0; dot = rest.indexOf(".")) {
    rest = rest.slice(dot + 1);
    covering.push(`*.${rest}`);
  }
  if (host !== "*") covering.push("*");
  return covering as Hostname[];
}

/** The namespace whose name is in a mesh-local host: `shop` of `reviews.shop.svc.cluster.local`; undefined for other hosts. */
export function homeNamespace(host: string, domainSuffix: string): string | undefined {
  const tail = `.svc.${domainSuffix}`;
  if (!host.endsWith(tail) || isWildcardHost(host)) return undefined;
  const [, owner = "", ...rest] = host.slice(0, -tail.length).split(".");
  return owner === "" || rest.length > 0 ? undefined : owner;
}

/** Mesh-local hosts that `reviews.shop` or `reviews.shop.svc` is a short name of. */
export function localHostsOf(host: Hostname, domainSuffix: string): Hostname[] {
  const full = [`${host}.svc.${domainSuffix}`, ...(host.endsWith(".svc") ? [`${host}.${domainSuffix}`] : [])];
  return full.filter((name) => homeNamespace(name, domainSuffix) !== undefined) as Hostname[];
}

/** Names by which a caller may call a mesh-local host, beside the full one: `reviews`, `reviews.shop`, `reviews.shop.svc`. */
export function shortNames(host: Hostname, caller: { is(namespace: string): boolean }, domainSuffix: string): string[] {
  const owner = homeNamespace(host, domainSuffix);
  if (owner === undefined) return [];
  const [name = ""] = host.split(".");
  const names = [`${name}.${owner}`, `${name}.${owner}.svc`];
  return caller.is(owner) ? [name, ...names] : names;
}
