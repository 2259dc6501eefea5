// Istio's cluster names: `outbound|9080|v1|reviews.shop.svc.cluster.local`.

export interface ClusterName {
  direction: string;
  subset: string;
  fqdn: string;
  port: number;
}

/** Other names, such as `prometheus_stats`, stand as fqdn. */
export function parseClusterName(name: string): ClusterName & { istio: boolean } {
  const [direction = "", port = "", subset = "", ...fqdn] = name.split("|");
  if (fqdn.length === 0) return { direction: "", subset: "", fqdn: name, port: 0, istio: false };
  return { direction, subset, fqdn: fqdn.join("|"), port: Number(port) || 0, istio: true };
}

/** istioctl's order: host, subset, port, direction. */
export function compareClusterNames(a: string, b: string): number {
  const x = parseClusterName(a);
  const y = parseClusterName(b);
  return compare(x.fqdn, y.fqdn) || compare(x.subset, y.subset) || x.port - y.port || compare(x.direction, y.direction);
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
