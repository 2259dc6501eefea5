// Paths of the control plane's own HTTP API on 15013, beside the Kubernetes-shaped ones.

export const apiPaths = {
  /** GET → ControlPlaneVersion */
  version: "/lateen/v1/version",
  /** GET → ProxyStatus[]; admin sees all, a namespaced credential its namespace. */
  proxies: "/lateen/v1/proxies",
  /** GET, with `object=Kind/namespace/name`, several times, and `wait` in milliseconds → Verdicts */
  verdicts: "/lateen/v1/verdicts",
  /** POST JoinTokenRequest → JoinTokenResponse; GET → JoinTokenInfo[] */
  tokens: "/lateen/v1/tokens",
  /** GET → PendingField[]: valid fields that proxies do not act on yet. */
  pendingFields: "/lateen/v1/pending-fields",
} as const;

/** DELETE, by the `id` of JoinTokenInfo → `{id}`; nobody can join with the token any more. */
export function tokenPath(id: string): string {
  return `${apiPaths.tokens}/${encodeURIComponent(id)}`;
}

/**
 * GET → a page about the control plane's inside, for administrators; the list of pages where it is empty.
 *
 * @param page with path and query, such as `pushes?limit=5`; odd characters are percent-encoded, `/?&=` stay
 */
export function debugPath(page: string): string {
  const path = page.replace(/^\/+/, "").replace(/^debug(\/|$)/, "");
  return path === "" ? "/debug" : `/debug/${encodeURI(path)}`;
}

/**
 * GET → a profile of the control plane in V8's format, for administrators. A snapshot holds private keys, which its path
 * confirms, and is given to callers on the same host only.
 */
export function profilePath(kind: "cpu" | "heap" | "snapshot", seconds = 30): string {
  if (kind === "snapshot") return "/debug/pprof/heap?snapshot=1&private-keys=included";
  return `/debug/pprof/${kind === "cpu" ? "profile" : "heap"}?seconds=${seconds}`;
}

/**
 * `name` is the machine's own, that of its WorkloadEntry, or its node id. GET or POST; relays one request to the admin interface of a machine's Envoy over the machine's own stream.
 * `what` is an Envoy admin path with query, such as `config_dump?include_eds`.
 */
export function machineEnvoyPath(namespace: string, name: string, what: string): string {
  return `/lateen/v1/namespaces/${encodeURIComponent(namespace)}/machines/${encodeURIComponent(name)}/envoy/${what}`;
}

/** GET → JSON of the agent's own account: `status`, `dns` or `capture`. */
export function machineAgentPath(namespace: string, name: string, topic: string): string {
  return `/lateen/v1/namespaces/${encodeURIComponent(namespace)}/machines/${encodeURIComponent(name)}/agent/${topic}`;
}
