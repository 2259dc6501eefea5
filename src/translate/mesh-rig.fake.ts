// A mesh in memory: real collections, model and generator, with inputs that a test writes.
import { create } from "@bufbuild/protobuf";
import { type Node, NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { Collection } from "../collection/collection.ts";
import { type DerivationFailure, Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import { type Config, formatConfigKey } from "../config/object.ts";
import { deriveMesh, type Mesh } from "../model/mesh.ts";
import { type MeshSettings, meshSettingsKey } from "../model/mesh-settings.ts";
import type { AutoAddresses } from "../model/service.ts";
import type { ClientView, XdsClient } from "../xds/generator.ts";
import { readNode } from "../xds/node-info.ts";
import { MeshGenerator, type MeshGeneratorOptions } from "./mesh-generator.ts";
import type { Quarantine } from "./served-half.ts";

/** Who asks for resources. */
export interface RigProxy {
  name: string;
  namespace: string;
  ip: string;
  /** All addresses of the machine, where it has more than `ip`. */
  ips?: string[];
  labels?: Record<string, string>;
  serviceAccount?: string;
  /** Port name → number. */
  ports?: Record<string, number>;
  dnsCapture?: boolean;
  /** What an agent of ours says that it can do. */
  capabilities?: string[];
  /** The WorkloadGroup that it joins. */
  group?: string;
  /** `1.40.0`; none where it is left out. */
  envoyVersion?: string;
}

export class MeshRig {
  /** What a derivation that throws does to the test; by default it ends it. */
  onFailure: (failure: DerivationFailure) => void = ({ collection, key, error }) => {
    throw new TypeError(`${collection} ${key}`, { cause: error });
  };
  readonly graph = new Graph((failure) => this.onFailure(failure));
  /** What is written. */
  readonly configs = new Source<Config>(this.graph, "configs");
  /** What the mesh is made of: the same, unless something was put between. */
  readonly allConfigs: Collection<Config>;
  readonly settings = new Source<MeshSettings>(this.graph, "settings");
  readonly autoAddresses = new Source<AutoAddresses>(this.graph, "auto-addresses");
  readonly mesh: Mesh;
  readonly generator: MeshGenerator;

  /**
   * @param withMore adds objects that nobody writes, such as those of machines that register
   * @param pace lets long work of the generator be done in turns; without it everything is done at once. Its `alone` says which
   *   scopes are not layers over others
   */
  constructor(
    settings: MeshSettings,
    quarantine?: (graph: Graph, configs: Source<Config>) => Quarantine,
    withMore?: (written: Collection<Config>, graph: Graph) => Collection<Config>,
    pace: Pick<MeshGeneratorOptions, "clock" | "slices" | "alone"> = {},
  ) {
    this.settings.set(meshSettingsKey, settings);
    this.allConfigs = withMore?.(this.configs, this.graph) ?? this.configs;
    this.mesh = deriveMesh({
      configs: this.allConfigs,
      settings: this.settings,
      autoAddresses: this.autoAddresses,
      domainSuffix: "cluster.local",
      clusterId: "Kubernetes",
    });
    const judge = quarantine?.(this.graph, this.configs);
    this.generator = new MeshGenerator(this.mesh, this.graph, {
      ...pace,
      ...(judge === undefined ? {} : { quarantine: judge }),
    });
  }

  put(config: Config): void {
    this.configs.set(formatConfigKey(config.key), config);
  }

  clientOf(proxy: RigProxy): XdsClient {
    return { node: readNode(nodeOf(proxy)), identities: [] };
  }

  open(proxy: RigProxy): ClientView {
    return this.generator.open(this.clientOf(proxy));
  }
}

/** The node of the proxy's first request. */
export function nodeOf(proxy: RigProxy): Node {
  const { name, namespace, ip, ips, labels, serviceAccount, ports, dnsCapture, capabilities, group, envoyVersion } =
    proxy;
  const [majorNumber = 0, minorNumber = 0, patch = 0] = (envoyVersion ?? "").split(".").map(Number);
  return create(NodeSchema, {
    ...(envoyVersion === undefined
      ? {}
      : {
          userAgentVersionType: {
            case: "userAgentBuildVersion",
            value: { version: { majorNumber, minorNumber, patch } },
          },
        }),
    id: `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      NAMESPACE: namespace,
      CLUSTER_ID: "Kubernetes",
      LABELS: labels ?? {},
      SERVICE_ACCOUNT: serviceAccount ?? "default",
      DNS_CAPTURE: String(dnsCapture ?? true),
      ...(ips === undefined ? {} : { INSTANCE_IPS: ips.join() }),
      ...(group === undefined ? {} : { AUTO_REGISTER_GROUP: group }),
      ...(capabilities === undefined ? {} : { LATEEN: { capabilities } }),
      POD_PORTS: JSON.stringify(
        Object.entries(ports ?? {}).map(([port, containerPort]) => ({ name: port, containerPort })),
      ),
    },
  });
}
