// Whose inbound half a view is.

/** A proxy's own workload, as its node says and its identity proves. */
export interface ProxyWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly addresses: readonly string[];
  /** Its proxy takes connections over IPv6, also where the machine has no IPv6 address that others can reach. */
  readonly ipv6: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Port name → number, of the WorkloadGroup's template. */
  readonly ports: Readonly<Record<string, number>>;
  readonly clusterId: string;
}
