// A proxy's own account of itself: Envoy's Node with Istio's id and metadata, read with limits and believed in nothing.
import type { JsonValue } from "@bufbuild/protobuf";
import { type Node, NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { canonicalAddress } from "../kernel/canonical-address.ts";
import { isIpAddress } from "../kernel/ip-address.ts";
import { quoted } from "../kernel/quote.ts";
import { xdsErrors } from "./errors.ts";

export { NodeSchema };

/** Istio's node types that Lateen serves. */
export type NodeType = "sidecar" | "router" | "waypoint" | "ztunnel";

export interface Locality {
  region: string;
  zone: string;
  subZone: string;
}

export interface NodeInfo {
  /** `sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local` as sent. */
  readonly id: string;
  readonly cluster: string;
  readonly type: NodeType;
  /** Addresses of the proxy in their one spelling, the first one primary. */
  readonly ips: readonly string[];
  /** Third part of the id, `name.namespace`; unique per machine. */
  readonly name: string;
  readonly dnsDomain: string;
  /** Istio's ConfigNamespace: metadata NAMESPACE, else the first label of the domain. */
  readonly namespace: string;
  readonly serviceAccount: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality | undefined;
  readonly network: string;
  readonly clusterId: string;
  readonly istioVersion: string | undefined;
  /** Release of Lateen's agent, as it says; undefined for others. */
  readonly agentVersion: string | undefined;
  /** `BuildVersion` of Envoy, `1.40.0`. */
  readonly envoyVersion: string | undefined;
  /** Metadata GENERATOR, `grpc` for proxyless clients. */
  readonly generator: string | undefined;
  /** AUTO_REGISTER_GROUP: register a WorkloadEntry from this group while connected. */
  readonly autoRegisterGroup: string | undefined;
  readonly dnsCapture: boolean;
  /** Capabilities our own agent announces in metadata LATEEN; empty for everyone else. */
  readonly capabilities: ReadonlySet<string>;
  readonly metadata: Readonly<Record<string, JsonValue>>;
}

/** Longest node id, bytes. */
const idLimit = 2048;
/** Deepest metadata that is looked at. */
const depthLimit = 16;
/** Most labels of a workload. */
const labelLimit = 256;
const nodeTypes: ReadonlySet<string> = new Set(["sidecar", "router", "waypoint", "ztunnel"]);

/**
 * Reads Envoy's Node as Istio's `pkg/model/proxy.go` spells it. Booleans are the strings "true" and "false".
 *
 * @throws LateenError LAT2001
 */
export function readNode(node: Node | undefined): NodeInfo {
  if (node === undefined || node.id === "") throw xdsErrors.badNode("the first message has no node id");
  if (node.id.length > idLimit) throw xdsErrors.badNode(`the node id is longer than ${idLimit} characters`);
  const [type = "", ip = "", name = "", dnsDomain = "", ...rest] = node.id.split("~");
  if (dnsDomain === "" || rest.length > 0) {
    throw xdsErrors.badNode(`the node id ${quoted(node.id)} does not have the four parts type~ip~name~domain`);
  }
  if (!nodeTypes.has(type)) throw xdsErrors.badNode(`the node type ${quoted(type)} is not served`);
  const metadata = readMetadata(node);
  const text = (key: string): string | undefined => {
    const value = metadata[key];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const ips = (text("INSTANCE_IPS")?.split(",") ?? []).map((part) => part.trim());
  const addresses = (ips.length > 0 && ips.every(isIpAddress) ? ips : [ip]).map(canonicalAddress);
  if (!addresses.some(isIpAddress)) throw xdsErrors.badNode(`the node id ${quoted(node.id)} has no IP address`);
  const namespace = text("NAMESPACE") ?? dnsDomain.split(".")[0] ?? "";
  return {
    id: node.id,
    cluster: node.cluster,
    type: type as NodeType,
    ips: addresses,
    name,
    dnsDomain,
    namespace,
    serviceAccount: text("SERVICE_ACCOUNT"),
    labels: readLabels(metadata["LABELS"]),
    locality:
      node.locality === undefined
        ? undefined
        : { region: node.locality.region, zone: node.locality.zone, subZone: node.locality.subZone },
    network: text("NETWORK") ?? "",
    clusterId: text("CLUSTER_ID") ?? "",
    istioVersion: text("ISTIO_VERSION"),
    envoyVersion: envoyVersion(node),
    generator: text("GENERATOR"),
    autoRegisterGroup: text("AUTO_REGISTER_GROUP"),
    dnsCapture: text("DNS_CAPTURE") === "true",
    agentVersion: readAgentVersion(metadata["LATEEN"]),
    capabilities: readCapabilities(metadata["LATEEN"]),
    metadata,
  };
}

function readMetadata(node: Node): Readonly<Record<string, JsonValue>> {
  const metadata = node.metadata ?? {};
  if (isDeeperThan(metadata, depthLimit)) throw xdsErrors.badNode(`node metadata is nested deeper than ${depthLimit}`);
  return metadata;
}

function isDeeperThan(value: JsonValue, limit: number): boolean {
  if (value === null || typeof value !== "object") return false;
  return limit === 0 || Object.values(value).some((child) => isDeeperThan(child, limit - 1));
}

function readLabels(value: JsonValue | undefined): Record<string, string> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return {};
  const entries = Object.entries(value);
  if (entries.length > labelLimit) throw xdsErrors.badNode(`node metadata has more than ${labelLimit} LABELS`);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function readCapabilities(value: JsonValue | undefined): ReadonlySet<string> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return new Set();
  const list = value["capabilities"];
  return new Set(Array.isArray(list) ? list.slice(0, 64).filter((item) => typeof item === "string") : []);
}

/** Longest version that is shown, characters. */
const versionLimit = 64;

function readAgentVersion(value: JsonValue | undefined): string | undefined {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
  const version = value["version"];
  return typeof version === "string" && version !== "" ? version.slice(0, versionLimit) : undefined;
}

function envoyVersion(node: Node): string | undefined {
  if (node.userAgentVersionType.case !== "userAgentBuildVersion") return undefined;
  const version = node.userAgentVersionType.value.version;
  return version === undefined ? undefined : `${version.majorNumber}.${version.minorNumber}.${version.patch}`;
}
