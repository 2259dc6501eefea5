// MeshConfig.proxyListenPort, MeshConfig.proxyInboundListenPort → envoy.config.listener.v3.FilterChain
import { create } from "@bufbuild/protobuf";
import { type FilterChain, FilterChainSchema } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { blackHoleCluster } from "../../model/cluster-name.ts";
import { buildTcpProxy } from "./tcp-proxy.ts";

/** Connections to the listener's own port were not redirected: forwarding them would loop. */
export function blackHoleChain(name: string, destinationPort: number): FilterChain {
  return create(FilterChainSchema, {
    name,
    filterChainMatch: { destinationPort },
    filters: [
      buildTcpProxy({
        statPrefix: blackHoleCluster,
        destinations: [{ cluster: blackHoleCluster, weight: 100 }],
        accessLog: [],
        afterHandshake: false,
      }),
    ],
  });
}
