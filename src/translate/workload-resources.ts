// One workload's inbound view as resources: its own listener and the clusters that lead to its application.

import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import type { InboundView } from "../model/inbound-view.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "../model/mesh-settings.ts";
import type { WorkloadView } from "../model/workload-view.ts";
import type { Resource } from "../xds/resource.ts";
import { typeUrls } from "../xds/type-url.ts";
import { buildInboundCluster } from "./cds/mesh-clusters.ts";
import { buildVirtualInbound } from "./lds/virtual-inbound.ts";
import { resourceOf, sameResource } from "./resource-of.ts";

export class WorkloadResources {
  readonly sets: ReadonlyMap<string, readonly Collection<Resource>[]>;
  private readonly disposables: { dispose(): void }[] = [];

  constructor(view: WorkloadView, settings: Collection<MeshSettings>) {
    const resources = (
      name: string,
      build: (inbound: InboundView, mesh: MeshSettings) => Resource[],
    ): Collection<Resource> => {
      const derived = new Derived<InboundView, Resource>({
        name,
        from: view.inbound,
        uses: [settings],
        equals: sameResource,
        derive: (inbound, _, read) =>
          build(inbound, read.get(settings, meshSettingsKey) ?? defaultMeshSettings).map((resource) => [
            resource.name,
            resource,
          ]),
      });
      this.disposables.push(derived);
      return derived;
    };
    this.sets = new Map([
      [
        typeUrls.cluster,
        [
          resources("cds-inbound", (inbound, mesh) =>
            inbound.ports.map((port) => {
              const cluster = buildInboundCluster(port, mesh.connectTimeoutMs, inbound.workload.ipv6);
              return resourceOf(ClusterSchema, cluster.name, cluster, inbound.sources);
            }),
          ),
        ],
      ],
      [
        typeUrls.listener,
        [
          resources("lds-inbound", (inbound, mesh) => {
            const listener = buildVirtualInbound(inbound, mesh);
            return [resourceOf(ListenerSchema, listener.name, listener, inbound.sources)];
          }),
        ],
      ],
    ]);
  }

  dispose(): void {
    for (const node of this.disposables.reverse()) node.dispose();
    this.disposables.length = 0;
  }
}
