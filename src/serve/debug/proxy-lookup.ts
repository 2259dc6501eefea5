// Finds connected proxies by what people call them: istiod's proxyID is the node id or `name.namespace`.
import type { ConnectionLook } from "../ads/connection-look.ts";

/** Streams of the proxy that the text names: by connection, node id, `name.namespace`, or name alone where that is unique. */
export function findProxies(looks: Iterable<ConnectionLook>, text: string): ConnectionLook[] {
  const all = [...looks];
  const by = (fits: (look: ConnectionLook) => boolean): ConnectionLook[] => all.filter(fits);
  const exact = by(({ id, client: { node } }) => id === text || node.id === text || node.name === text);
  if (exact.length > 0) return exact;
  const short = by(({ client: { node } }) => node.name === `${text}.${node.namespace}`);
  return new Set(short.map(({ client }) => client.node.name)).size === 1 ? short : [];
}
