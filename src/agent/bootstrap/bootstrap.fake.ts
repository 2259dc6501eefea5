// A machine to make a bootstrap for.
import type { BootstrapInput } from "./bootstrap.ts";

export const bootstrapInput: BootstrapInput = {
  node: {
    name: "vm-1",
    namespace: "shop",
    serviceAccount: "reviews-sa",
    addresses: ["10.0.0.1", "fd00::1"],
    domainSuffix: "cluster.local",
    trustDomain: "cluster.local",
    meshId: "mesh1",
    group: "reviews",
    labels: { app: "reviews", version: "v1" },
    ports: { http: 8080 },
    locality: "eu/a",
    network: "net1",
    clusterId: "Kubernetes",
    dnsCapture: true,
    statusPort: 15_021,
    prometheusPort: 15_090,
    agentVersion: "0.1.0",
    capabilities: ["query"],
    envoy: { major: 1, minor: 40, patch: 0, build: "1.40.0/Clean/RELEASE/BoringSSL" },
  },
  socketPath: "/run/lateen/proxy/socket",
  adminPort: 15_000,
  agentPort: 15_020,
  statusAddress: "0.0.0.0",
  statusPort: 15_021,
  maxDownstreamConnections: 100_000,
};
