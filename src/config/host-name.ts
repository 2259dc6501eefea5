// Host names as Istio's hosts and addresses take them.

const dnsLabel = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
/** Longest DNS name in text form (RFC 1035 §2.3.4), characters. */
const nameLimit = 253;

/** An RFC 1123 label of at most 63 characters, in either case. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && dnsLabel.test(text);
}

/**
 * A DNS name: labels with dots between, one dot may end it. The last label must not be a number, decimal or hexadecimal:
 * resolvers take such names for IPv4 addresses.
 */
export function isDnsName(text: string): boolean {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  if (name === "" || name.length > nameLimit) return false;
  const labels = name.split(".");
  return labels.every(isDnsLabel) && !/^(?:\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? "");
}

/** A DNS name whose first label may be `*` or start with `*-` (Istio's wildcard hosts). A bare `*` is none. */
export function isWildcardOrDnsName(text: string): boolean {
  if (text.startsWith("*.")) return isDnsName(text.slice(2));
  if (text.startsWith("*-")) return isDnsName(text.slice(2));
  return isDnsName(text);
}

export function isWildcard(host: string): boolean {
  return host.startsWith("*");
}
