// ServiceEntry.spec.endpoints, WorkloadEntry.spec → envoy.config.endpoint.v3.ClusterLoadAssignment
import { create } from "@bufbuild/protobuf";
import { HealthStatus } from "../../../gen/envoy/config/core/v3/health_check_pb.ts";
import {
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
} from "../../../gen/envoy/config/endpoint/v3/endpoint_components_pb.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { canonicalRevision, canonicalService } from "../../model/canonical-service.ts";
import type { EndpointView, LoadAssignmentView } from "../../model/load-assignment-view.ts";
import type { Workload } from "../../model/workload.ts";
import { pipeAddress, socketAddress } from "../address.ts";

/** Metadata namespace of what Lateen's own telemetry reads of the endpoint that was chosen. */
export const endpointTelemetryNamespace = "lateen";

export function buildLoadAssignment(view: LoadAssignmentView): ClusterLoadAssignment {
  const localities: LocalityLbEndpoints[] = [];
  let current: { name: string; group: LocalityLbEndpoints } | undefined;
  for (const endpoint of view.endpoints) {
    const name = endpoint.endpoint.workload.locality;
    if (current?.name !== name) {
      current = { name, group: create(LocalityLbEndpointsSchema, { locality: localityOf(name) }) };
      localities.push(current.group);
    }
    const built = buildLbEndpoint(endpoint);
    if (built === undefined) continue;
    current.group.lbEndpoints.push(built);
    current.group.loadBalancingWeight = (current.group.loadBalancingWeight ?? 0) + endpoint.endpoint.workload.weight;
  }
  return create(ClusterLoadAssignmentSchema, {
    clusterName: view.cluster,
    endpoints: localities.filter((group) => group.lbEndpoints.length > 0),
  });
}

/** WorkloadEntry.spec.address, WorkloadEntry.spec.ports, WorkloadEntry.spec.weight, WorkloadEntry.spec.labels. Undefined where there is no address. */
export function buildLbEndpoint(view: EndpointView): LbEndpoint | undefined {
  const { workload } = view.endpoint;
  const [address, ...additional] = workload.addresses;
  if (address === undefined) return undefined;
  return create(LbEndpointSchema, {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: addressOf(address, view.port),
        additionalAddresses: additional.map((other) => ({ address: addressOf(other, view.port) })),
      },
    },
    healthStatus: workload.healthy ? HealthStatus.UNKNOWN : HealthStatus.UNHEALTHY,
    loadBalancingWeight: workload.weight === 0 ? 1 : workload.weight,
    metadata: {
      filterMetadata: {
        ...(view.mtls ? { "envoy.transport_socket_match": { tlsMode: "istio" } } : {}),
        istio: { workload: workloadText(workload) },
        [endpointTelemetryNamespace]: telemetryOf(workload),
      },
    },
  });
}

function addressOf(address: string, port: number) {
  return address.startsWith("unix://") ? pipeAddress(address.slice("unix://".length)) : socketAddress(address, port);
}

/** WorkloadEntry.spec.locality: `region/zone/subzone`. */
function localityOf(text: string) {
  const [region = "", zone = "", subZone = ""] = text.split("/");
  return { region, zone, subZone };
}

/** Istio's endpoint metadata `workload;namespace;canonical-name;canonical-revision;cluster`. */
function workloadText(workload: Workload): string {
  const { canonical_service, canonical_revision } = telemetryOf(workload);
  return [workload.name, workload.namespace, canonical_service, canonical_revision, workload.clusterId].join(";");
}

function telemetryOf(workload: Workload) {
  const { labels } = workload;
  return {
    workload: workload.name,
    namespace: workload.namespace,
    canonical_service: canonicalService(labels, workload.name),
    canonical_revision: canonicalRevision(labels),
    app: labels["app"] ?? "unknown",
    version: labels["version"] ?? "unknown",
    cluster: workload.clusterId,
  };
}
