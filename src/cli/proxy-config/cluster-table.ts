// proxy-config cluster: what Envoy can send to.
import type { Fields } from "../../kernel/fields.ts";
import { textOf } from "../json-value.ts";
import { compareClusterNames, parseClusterName } from "./cluster-name.ts";
import { type ConfigDump, itemsOf, pick, pickAt } from "./config-dump.ts";
import { managedBy } from "./managed-by.ts";

export interface ClusterFilter {
  /** Part of the name. */
  fqdn?: string;
  port?: number;
  subset?: string;
  direction?: string;
}

export const clusterHeading = ["SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE"];

export function findClusters(dump: ConfigDump, filter: ClusterFilter): Fields[] {
  return itemsOf(dump.section("Clusters"), [
    ["dynamic_active_clusters", "cluster"],
    ["static_clusters", "cluster"],
  ])
    .filter((cluster) => fits(textOf(cluster["name"]), filter))
    .sort((a, b) => compareClusterNames(textOf(a["name"]), textOf(b["name"])));
}

function fits(name: string, filter: ClusterFilter): boolean {
  const { fqdn, port, subset, direction } = filter;
  return (
    (fqdn === undefined || name.includes(fqdn)) &&
    (direction === undefined || name.includes(direction)) &&
    (subset === undefined || name.includes(subset)) &&
    (port === undefined || name.includes(`|${port}|`))
  );
}

export function clusterRow(cluster: Fields): string[] {
  const name = textOf(cluster["name"]);
  // The type is protobuf's zero value where Envoy leaves it out.
  const type = textOf(cluster["type"]) || textOf(pickAt(cluster, "cluster_type", "name")) || "STATIC";
  const { istio, direction, subset, fqdn, port } = parseClusterName(name);
  if (!istio) return [name, "-", "-", "-", type, managedBy(cluster)];
  return [fqdn, String(port), subset === "" ? "-" : subset, direction, type, managedBy(cluster)];
}

export function clusterName(cluster: unknown): string {
  return textOf(pick(cluster, "name"));
}
