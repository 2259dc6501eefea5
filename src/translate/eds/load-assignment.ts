// WorkloadEntry.spec.address, WorkloadEntry.spec.ports, WorkloadEntry.spec.weight, WorkloadEntry.spec.locality, WorkloadEntry.spec.labels → envoy.config.endpoint.v3.ClusterLoadAssignment
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
import type { EndpointView } from "../../model/endpoint-view.ts";
import type { LoadAssignmentView } from "../../model/load-assignment-view.ts";
import type { Workload } from "../../model/workload.ts";
import { pipeAddress, socketAddress } from "../address.ts";

/** Metadata namespace of what Lateen's own telemetry reads of the endpoint that was chosen. */
export const endpointTelemetryNamespace = "lateen";

/** Sums of weights that Envoy takes (LocalityLbEndpoints.load_balancing_weight). */
const largestTotal = 2 ** 32 - 1;

export function buildLoadAssignment(view: Pick<LoadAssignmentView, "cluster" | "endpoints">): ClusterLoadAssignment {
  const weightOf = fittingWeights(view.endpoints);
  const localities: LocalityLbEndpoints[] = [];
  let current: { name: string; group: LocalityLbEndpoints } | undefined;
  for (const endpoint of view.endpoints) {
    const name = endpoint.endpoint.workload.locality;
    if (current?.name !== name) {
      current = { name, group: create(LocalityLbEndpointsSchema, { locality: localityOf(name) }) };
      localities.push(current.group);
    }
    const weight = weightOf(endpoint);
    current.group.lbEndpoints.push(buildLbEndpoint(endpoint, weight));
    current.group.loadBalancingWeight = (current.group.loadBalancingWeight ?? 0) + weight;
  }
  return create(ClusterLoadAssignmentSchema, { clusterName: view.cluster, endpoints: localities });
}

/** WorkloadEntry.spec.weight, at least 1; all smaller in proportion where they add up to more than Envoy takes. */
export function fittingWeights(endpoints: readonly EndpointView[]): (endpoint: EndpointView) => number {
  const stated = ({ endpoint }: EndpointView): number => Math.max(1, endpoint.workload.weight);
  const total = endpoints.reduce((sum, endpoint) => sum + stated(endpoint), 0);
  if (total <= largestTotal) return stated;
  const scale = (largestTotal - endpoints.length) / total;
  return (endpoint) => Math.max(1, Math.floor(stated(endpoint) * scale));
}

/** WorkloadEntry.spec.address, WorkloadEntry.spec.ports, WorkloadEntry.spec.labels */
export function buildLbEndpoint(view: EndpointView, weight: number): LbEndpoint {
  const { workload } = view.endpoint;
  const [address = "", ...additional] = view.addresses;
  return create(LbEndpointSchema, {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: addressOf(address, view.port),
        additionalAddresses: additional.map((other) => ({ address: addressOf(other, view.port) })),
      },
    },
    healthStatus: workload.healthy ? HealthStatus.UNKNOWN : HealthStatus.UNHEALTHY,
    loadBalancingWeight: weight,
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
export function localityOf(text: string) {
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
