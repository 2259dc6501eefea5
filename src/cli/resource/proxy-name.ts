// Names of proxies: `reviews-1.shop`, or `reviews-1` where that is clear; where machines share a name, that of the
// WorkloadEntry or the node id.
import { nearestWord } from "../../config/spelling.ts";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import { quoted } from "../../kernel/quote.ts";
import { cliErrors } from "../errors.ts";

/**
 * The proxies a person means: by full name, else by the part before the namespace, else by WorkloadEntry or node id.
 *
 * @throws LateenError LAT9013 where there are none
 */
export function matchProxies(proxies: readonly ProxyStatus[], name: string): ProxyStatus[] {
  const exact = proxies.filter((proxy) => proxy.name === name);
  if (exact.length > 0) return exact;
  const short = proxies.filter((proxy) => proxy.name === `${name}.${proxy.namespace}`);
  if (short.length > 0) return short;
  const others = proxies.filter(
    ({ nodeId, namespace, workloadEntry }) =>
      nodeId === name ||
      (workloadEntry !== undefined && [workloadEntry, `${workloadEntry}.${namespace}`].includes(name)),
  );
  if (others.length > 0) return others;
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
  const meant = found.length > 1 && here.length > 0 ? here : found;
  const [first] = meant;
  if (first === undefined) throw notConnected(proxies, name);
  if (meant.some((proxy) => proxy.name !== first.name)) {
    throw cliErrors.usage(`several proxies are named ${name}: ${meant.map((proxy) => proxy.name).join(", ")}`, {
      remedy: "Write NAME.NAMESPACE.",
    });
  }
  // A machine that reconnects may have two streams for a moment.
  if (meant.some((proxy) => proxy.nodeId !== first.nodeId)) {
    throw cliErrors.usage(`several proxies are named ${name}: ${meant.map(distinctName).join(", ")}`, {
      remedy: "Write the name of the WorkloadEntry, or the node id.",
    });
  }
  return first;
}

/** Proxies that share their name with another machine. */
export function namesakes(proxies: readonly ProxyStatus[]): ProxyStatus[] {
  const machines = new Map<string, Set<string>>();
  for (const { name, nodeId } of proxies) machines.set(name, (machines.get(name) ?? new Set()).add(nodeId));
  return proxies.filter(({ name }) => (machines.get(name)?.size ?? 0) > 1);
}

/** `front-vm.shop (10.0.0.7)`: the name of its WorkloadEntry, where it has one, and its address. */
export function distinctName({ workloadEntry, namespace, nodeId }: ProxyStatus): string {
  const address = nodeId.split("~")[1] ?? "";
  return `${workloadEntry === undefined ? nodeId : `${workloadEntry}.${namespace}`} (${address})`;
}

/** What the control plane knows the proxy by: its own name where that is clear, else its node id. */
export function spokenName(proxies: readonly ProxyStatus[], proxy: ProxyStatus): string {
  return namesakes(proxies).includes(proxy) ? proxy.nodeId : machineName(proxy);
}

/** The machine's own name: `reviews-1` of `reviews-1.shop`. */
function machineName(proxy: ProxyStatus): string {
  const suffix = `.${proxy.namespace}`;
  return proxy.name.endsWith(suffix) ? proxy.name.slice(0, -suffix.length) : proxy.name;
}
