// Istio's metric labels, per reporter.

import { canonicalRevision, canonicalService } from "../../model/canonical-service.ts";
import type { InboundPort, InboundWorkload } from "../../model/inbound-view.ts";
import { clusterTelemetryNamespace } from "../cds/cluster-metadata.ts";
import { endpointTelemetryNamespace } from "../eds/load-assignment.ts";
import { peerTags } from "./peer-header.ts";
import { peerNamespaceTag } from "./peer-namespace.ts";
import { type Tag, unknownLabel } from "./tag.ts";

/** How the connection that a chain takes is secured. */
export type Security = "mutual_tls" | "none";

/** Environment variables of Envoy, set by the agent: the proxy's own workload, for listeners that many proxies share. */
const own = (name: string): string => `%ENVIRONMENT(LATEEN_${name})%`;

/** The proxy reports what it sent. */
export function sourceTags(): Tag[] {
  const endpoint = (key: string): string => `%UPSTREAM_METADATA(${endpointTelemetryNamespace}:${key})%`;
  const cluster = (key: string): string => `%METADATA(CLUSTER:${clusterTelemetryNamespace}:${key})%`;
  return [
    ["reporter", "source"],
    ["source_workload", own("WORKLOAD")],
    ["source_workload_namespace", own("NAMESPACE")],
    ["source_canonical_service", own("CANONICAL_SERVICE")],
    ["source_canonical_revision", own("CANONICAL_REVISION")],
    ["source_app", own("APP")],
    ["source_version", own("VERSION")],
    ["source_cluster", own("CLUSTER")],
    ["source_principal", "%UPSTREAM_LOCAL_URI_SAN%"],
    ["destination_workload", endpoint("workload")],
    ["destination_workload_namespace", endpoint("namespace")],
    ["destination_canonical_service", endpoint("canonical_service")],
    ["destination_canonical_revision", endpoint("canonical_revision")],
    ["destination_app", endpoint("app")],
    ["destination_version", endpoint("version")],
    ["destination_cluster", endpoint("cluster")],
    ["destination_principal", "%UPSTREAM_PEER_URI_SAN%"],
    ["destination_service", cluster("service")],
    ["destination_service_name", cluster("service_name")],
    ["destination_service_namespace", cluster("service_namespace")],
    ["connection_security_policy", unknownLabel],
  ];
}

/** The proxy reports what it received for its own workload. */
export function destinationTags(
  workload: InboundWorkload,
  port: InboundPort | undefined,
  security: Security,
  http: boolean,
): Tag[] {
  const { labels } = workload;
  const secured = security === "mutual_tls";
  return [
    ["reporter", "destination"],
    ...(secured && http ? peerTags() : unknownPeer),
    secured ? peerNamespaceTag : (["source_workload_namespace", unknownLabel] as const),
    ["source_principal", secured ? "%DOWNSTREAM_PEER_URI_SAN%" : unknownLabel],
    ["destination_workload", workload.name],
    ["destination_workload_namespace", workload.namespace],
    ["destination_canonical_service", canonicalService(labels, workload.name)],
    ["destination_canonical_revision", canonicalRevision(labels)],
    ["destination_app", labels["app"] ?? unknownLabel],
    ["destination_version", labels["version"] ?? unknownLabel],
    ["destination_cluster", workload.clusterId],
    ["destination_principal", secured ? "%DOWNSTREAM_LOCAL_URI_SAN%" : unknownLabel],
    // From the service that names the port, not from the Host header: callers must not make series.
    ["destination_service", port?.host ?? unknownLabel],
    ["destination_service_name", port?.serviceName ?? "InboundPassthroughCluster"],
    ["destination_service_namespace", port?.serviceNamespace ?? workload.namespace],
    ["connection_security_policy", security],
  ];
}

const unknownPeer: readonly Tag[] = peerTags().map(([name]) => [name, unknownLabel] as const);
