// Istio's cluster names and SNI.

declare const clusterNameBrand: unique symbol;
export type ClusterName = string & { readonly [clusterNameBrand]: true };

/** `outbound|9080|v1|reviews.shop.svc.cluster.local` */
export function outboundClusterName(host: string, port: number, subset = ""): ClusterName {
  return `outbound|${port}|${subset}|${host}` as ClusterName;
}

/** `inbound|8080||` */
export function inboundClusterName(port: number): ClusterName {
  return `inbound|${port}||` as ClusterName;
}

/** `outbound_.9080_.v1_.reviews.shop.svc.cluster.local`: the SNI that Istio's clients send. */
export function sniOf(host: string, port: number, subset = ""): string {
  return `outbound_.${port}_.${subset}_.${host}`;
}

export const passthroughCluster = "PassthroughCluster" as ClusterName;
export const blackHoleCluster = "BlackHoleCluster" as ClusterName;
export const inboundPassthroughCluster = "InboundPassthroughCluster" as ClusterName;
