// proxy-config endpoint: hosts of clusters and how Envoy judges them.
import type { Fields } from "../../kernel/fields.ts";
import { fieldsOf, listOf, numberOf, textOf } from "../json-value.ts";
import { compare, compareClusterNames } from "./cluster-name.ts";
import { type ConfigDump, itemsOf, pick, pickAt } from "./config-dump.ts";

export interface EndpointFilter {
  address?: string;
  port?: number;
  cluster?: string;
  /** HEALTHY, UNHEALTHY, …, in any case. */
  status?: string;
}

export interface Endpoint {
  /** `10.0.0.1:9080`, `unix:///run/app.sock`, `envoy://listener/10.0.0.1:80`. */
  address: string;
  host: string;
  port: number;
  cluster: string;
  status: string;
  /** undefined where the source does not tell. */
  failedOutlierCheck: boolean | undefined;
  locality: string;
}

export const endpointHeading = ["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"];
export const edsHeading = ["NAME", "STATUS", "LOCALITY", "CLUSTER"];

/** Of `/clusters?format=json` (envoy.admin.v3.Clusters), by address. */
export function endpointsOfClusters(clusters: Fields): Endpoint[] {
  return listOf(pick(clusters, "cluster_statuses"))
    .flatMap((status) =>
      listOf(pick(status, "host_statuses")).map((host) => ({
        ...placeOf(pick(host, "address")),
        cluster: textOf(pick(status, "name")),
        status: textOf(pickAt(host, "health_status", "eds_health_status")) || "UNKNOWN",
        failedOutlierCheck: pickAt(host, "health_status", "failed_outlier_check") === true,
        locality: localityText(pick(host, "locality")),
      })),
    )
    .sort((a, b) => compare(a.host, b.host) || a.port - b.port || compare(a.cluster, b.cluster));
}

/** Of the endpoints in a config dump, by cluster. */
export function endpointsOfDump(dump: ConfigDump): Endpoint[] {
  return itemsOf(dump.section("Endpoints"), [
    ["dynamic_endpoint_configs", "endpoint_config"],
    ["static_endpoint_configs", "endpoint_config"],
  ])
    .sort((a, b) => compareClusterNames(textOf(pick(a, "cluster_name")), textOf(pick(b, "cluster_name"))))
    .flatMap((assignment) =>
      listOf(pick(assignment, "endpoints")).flatMap((group) =>
        listOf(pick(group, "lb_endpoints")).map((each) => ({
          ...placeOf(pickAt(each, "endpoint", "address")),
          cluster: textOf(pick(assignment, "cluster_name")),
          status: textOf(pick(each, "health_status")) || "UNKNOWN",
          failedOutlierCheck: undefined,
          locality: localityText(pick(group, "locality")),
        })),
      ),
    );
}

export function filterEndpoints(endpoints: readonly Endpoint[], filter: EndpointFilter): Endpoint[] {
  const same = (wanted: string | undefined, value: string): boolean =>
    wanted === undefined || wanted.toLowerCase() === value.toLowerCase();
  return endpoints.filter(
    (each) =>
      (same(filter.address, each.host) || same(filter.address, each.address)) &&
      (filter.port === undefined || filter.port === each.port) &&
      same(filter.cluster, each.cluster) &&
      same(filter.status, each.status),
  );
}

export function endpointRow(endpoint: Endpoint): string[] {
  const check = { true: "FAILED", false: "OK", undefined: "-" }[String(endpoint.failedOutlierCheck)] ?? "-";
  return [endpoint.address, endpoint.status, check, endpoint.cluster];
}

export function edsRow(endpoint: Endpoint): string[] {
  return [endpoint.address, endpoint.status, endpoint.locality, endpoint.cluster];
}

function placeOf(address: unknown): { address: string; host: string; port: number } {
  const host = textOf(pickAt(address, "socket_address", "address"));
  const port = numberOf(pickAt(address, "socket_address", "port_value")) ?? 0;
  if (host !== "") return { address: port === 0 ? host : `${host}:${port}`, host, port };
  const path = textOf(pickAt(address, "pipe", "path"));
  if (path !== "") return { address: `unix://${path}`, host: `unix://${path}`, port: 0 };
  const internal = fieldsOf(pick(address, "envoy_internal_address"));
  const listener = textOf(pick(internal, "server_listener_name"));
  const name = listener === "" ? "unknown" : `envoy://${listener}/${textOf(pick(internal, "endpoint_id"))}`;
  return { address: name, host: name, port: 0 };
}

/** `region/zone/subzone`, as far as it is known. */
function localityText(locality: unknown): string {
  return ["region", "zone", "sub_zone"]
    .map((name) => textOf(pick(locality, name)))
    .filter((part) => part !== "")
    .join("/");
}
