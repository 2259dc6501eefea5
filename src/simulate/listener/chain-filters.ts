// What the network filters of a filter chain do with a connection.
import {
  type Filter,
  type FilterChain,
  FilterChainSchema,
} from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import {
  type RBAC as NetworkRbac,
  RBACSchema as NetworkRbacSchema,
} from "../../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import {
  type TcpProxy,
  TcpProxySchema,
} from "../../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields, unpackAs } from "../known-fields.ts";

export interface ChainFilters {
  /** In order. */
  readonly rbac: readonly { readonly name: string; readonly config: NetworkRbac }[];
  readonly end:
    | { readonly kind: "http"; readonly manager: HttpConnectionManager }
    | { readonly kind: "tcp"; readonly proxy: TcpProxy };
}

const typePrefix = "type.googleapis.com/envoy.extensions.filters.network.";
const rbacType = `${typePrefix}rbac.v3.RBAC`;
const httpType = `${typePrefix}http_connection_manager.v3.HttpConnectionManager`;
const tcpType = `${typePrefix}tcp_proxy.v3.TcpProxy`;
/** Filters that note something for logs and decide nothing. */
const passiveTypes: ReadonlySet<string> = new Set([`${typePrefix}set_filter_state.v3.Config`]);

const knownChainFields = new Set(["name", "filter_chain_match", "filters", "transport_socket", "metadata"]);

/** @throws LateenError LAT2201 for other filters, and for a chain that leads nowhere */
export function readChainFilters(chain: FilterChain): ChainFilters {
  onlyFields(FilterChainSchema, chain, knownChainFields);
  const rbac: { name: string; config: NetworkRbac }[] = [];
  for (const filter of chain.filters) {
    const type = typeOf(filter);
    const config = filter.configType.case === "typedConfig" ? filter.configType.value : undefined;
    if (passiveTypes.has(type)) continue;
    if (type === rbacType) rbac.push({ name: filter.name, config: unpackAs(NetworkRbacSchema, config, filter.name) });
    else if (type === httpType) {
      const manager = unpackAs(HttpConnectionManagerSchema, config, filter.name);
      return { rbac, end: { kind: "http", manager } };
    } else if (type === tcpType) {
      return { rbac, end: { kind: "tcp", proxy: unpackAs(TcpProxySchema, config, filter.name) } };
    } else throw simulateErrors.cannotSimulate(`cannot simulate network filter ${filter.name} (${type})`);
  }
  throw simulateErrors.cannotSimulate(`filter chain ${chain.name} has no filter that ends it`);
}

function typeOf(filter: Filter): string {
  return filter.configType.case === "typedConfig" ? filter.configType.value.typeUrl : `${filter.configType.case}`;
}
