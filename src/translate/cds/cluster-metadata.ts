// ServiceEntry.spec.hosts, DestinationRule.spec.subsets[].name → envoy.config.cluster.v3.Cluster.metadata
import { create } from "@bufbuild/protobuf";
import { type Metadata, MetadataSchema } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import type { ClusterView } from "../../model/cluster-view.ts";

/** Metadata namespace of what Lateen's own telemetry reads, flat, because Envoy's formatter cannot index lists. */
export const clusterTelemetryNamespace = "lateen";

/** `istio` as Istio writes it for its own tools; `lateen` for the metric labels. */
export function clusterMetadata(view: ClusterView): Metadata {
  const metadata = serviceMetadata(view.host, view.serviceName, view.serviceNamespace);
  const istio = metadata.filterMetadata["istio"];
  if (istio !== undefined && view.rulePath !== undefined) istio["config"] = view.rulePath;
  if (istio !== undefined && view.subset !== "") istio["subset"] = view.subset;
  return metadata;
}

/** What a cluster says of the service behind it. */
export function serviceMetadata(host: string, name: string, namespace: string): Metadata {
  return create(MetadataSchema, {
    filterMetadata: {
      istio: { services: [{ host, name, namespace }] },
      [clusterTelemetryNamespace]: { service: host, service_name: name, service_namespace: namespace },
    },
  });
}
