// Names of proxies: `reviews-1.shop`, or `reviews-1` where that is clear.
import { nearestWord } from "../../config/spelling.ts";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import { quoted } from "../../kernel/quote.ts";
import { cliErrors } from "../errors.ts";

/**
 * The proxies a person means: by full name, else by the part before the namespace.
 *
 * @throws LateenError LAT9013 where there are none
 */
export function matchProxies(proxies: readonly ProxyStatus[], name: string): ProxyStatus[] {
  const exact = proxies.filter((proxy) => proxy.name === name);
  if (exact.length > 0) return exact;
  const short = proxies.filter((proxy) => proxy.name === `${name}.${proxy.namespace}`);
  if (short.length > 0) return short;
  throw notConnected(proxies, name);
}

function notConnected(proxies: readonly ProxyStatus[], name: string) {
  const nearest = nearestWord(
    name,
    proxies.flatMap((proxy) => [proxy.name, proxy.name.slice(0, -(proxy.namespace.length + 1))]),
  );
  return cliErrors.notConnected(
    `no proxy ${quoted(name, 300)} is connected`,
    nearest === undefined
      ? {}
      : { remedy: `Did you mean ${nearest}? lateen proxy-status lists the connected proxies.` },
  );
}

/**
 * The one proxy that a person means.
 *
 * @param namespace preferred where several namespaces have a proxy of that name
 * @throws LateenError LAT9001 where that leaves several, LAT9013 where there is none
 */
export function oneProxy(proxies: readonly ProxyStatus[], name: string, namespace: string): ProxyStatus {
  const found = matchProxies(proxies, name);
  const here = found.filter((proxy) => proxy.namespace === namespace);
  const [first, second] = found.length > 1 && here.length > 0 ? here : found;
  if (first === undefined) throw notConnected(proxies, name);
  if (second !== undefined && second.name !== first.name) {
    throw cliErrors.usage(`several proxies are named ${name}: ${found.map((proxy) => proxy.name).join(", ")}`, {
      remedy: "Write NAME.NAMESPACE.",
    });
  }
  return first;
}

/** The machine's own name: `reviews-1` of `reviews-1.shop`. */
export function machineName(proxy: ProxyStatus): string {
  const suffix = `.${proxy.namespace}`;
  return proxy.name.endsWith(suffix) ? proxy.name.slice(0, -suffix.length) : proxy.name;
}
