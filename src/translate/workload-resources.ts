// One workload's inbound view as resources: its own listener and the clusters that lead to its application.

import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { Collection } from "../collection/collection.ts";
import type { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import type { Resource } from "../xds/resource.ts";
import { typeUrls } from "../xds/type-url.ts";
import { buildInboundCluster } from "./cds/mesh-clusters.ts";
import type { InboundContent } from "./inbound-content.ts";
import { buildVirtualInbound } from "./lds/virtual-inbound.ts";
import { resourceOf, sameResource } from "./resource-of.ts";

/** They never change: a workload that is served otherwise gets others. */
export function workloadResources(
  { view, mesh }: InboundContent,
  graph: Graph,
): ReadonlyMap<string, readonly Collection<Resource>[]> {
  const listener = buildVirtualInbound(view, mesh);
  const clusters = view.ports.map((port) => buildInboundCluster(port, mesh.connectTimeoutMs, view.workload.ipv6));
  return new Map([
    [
      typeUrls.cluster,
      [
        constant(
          "cds-inbound",
          clusters.map((cluster) => resourceOf(ClusterSchema, cluster.name, cluster, view.sources)),
          graph,
        ),
      ],
    ],
    [
      typeUrls.listener,
      [constant("lds-inbound", [resourceOf(ListenerSchema, listener.name, listener, view.sources)], graph)],
    ],
  ]);
}

function constant(name: string, resources: readonly Resource[], graph: Graph): Collection<Resource> {
  const source = new Source<Resource>(graph, name, sameResource);
  graph.batch(() => {
    for (const resource of resources) source.set(resource.name, resource);
  });
  return source;
}
