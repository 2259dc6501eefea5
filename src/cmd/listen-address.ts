// Where a listener is reached: an address to listen on need not be one to connect to.

/** The addresses that stand for all of the host. */
function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** `10.0.0.5:15012`, `[::1]:15012` */
export function formatHostPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The names that a certificate must have beside the advertised ones. */
export function addressesOf(...hosts: readonly string[]): string[] {
  return hosts.filter((host) => !isUnspecified(host));
}

/**
 * What to connect to from this host and others: the address itself, or where that stands for all the first advertised
 * name.
 *
 * @returns undefined where nothing is known that others could use
 */
export function reachableHost(host: string, advertised: readonly string[]): string | undefined {
  return isUnspecified(host) ? advertised[0] : host;
}

/** What to connect to on this host where nothing else is known. */
export function loopbackOf(host: string): string {
  return host === "::" ? "::1" : "127.0.0.1";
}
