// Nodes as Istio's and Lateen's agents send them, for tests to change.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { type Node, NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";

/** Metadata of a VM, spelled as pilot-agent spells it. */
export const vmMetadata: JsonObject = {
  APP_CONTAINERS: "reviews",
  AUTO_REGISTER_GROUP: "reviews",
  CLUSTER_ID: "Kubernetes",
  DNS_CAPTURE: "true",
  GENERATOR: "",
  INSTANCE_IPS: "10.0.0.1,fd00::1",
  ISTIO_VERSION: "1.32.0",
  LABELS: { app: "reviews", version: "v1", "topology.istio.io/network": "dc-1" },
  LATEEN: { capabilities: ["lateen.agent.v1"] },
  NAME: "vm-1",
  NAMESPACE: "shop",
  NETWORK: "dc-1",
  PROXY_CONFIG: { discoveryAddress: "istiod.istio-system.svc:15012", concurrency: 2, statNameLength: null },
  SERVICE_ACCOUNT: "reviews",
};

export function vmNode(overrides: { id?: string; metadata?: JsonObject } = {}): Node {
  return create(NodeSchema, {
    id: "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local",
    cluster: "reviews.shop",
    metadata: vmMetadata,
    locality: { region: "eu", zone: "eu-1", subZone: "r7" },
    userAgentName: "envoy",
    userAgentVersionType: {
      case: "userAgentBuildVersion",
      value: { version: { majorNumber: 1, minorNumber: 40, patch: 2 } },
    },
    ...overrides,
  });
}
