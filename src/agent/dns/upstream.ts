// A resolver that questions are passed on to.

export interface Upstream {
  /** IP address; a link-local IPv6 address may carry a zone. */
  readonly address: string;
  readonly port: number;
}

export function formatUpstream({ address, port }: Upstream): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
