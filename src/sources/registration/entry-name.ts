// The name of a machine's WorkloadEntry.
import { isObjectName } from "../../config/metadata.ts";
import { quoted } from "../../kernel/quote.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { registrationErrors } from "./errors.ts";

/** Kubernetes' bound on names; Istio keeps the end of longer ones. */
const lengthLimit = 253;

/** Whether the node is one of Lateen's own agents, whose names and labels the control plane has given. */
export function isOwnAgent(node: NodeInfo): boolean {
  return node.metadata["LATEEN"] !== undefined;
}

/**
 * `GROUP-MACHINE` for Lateen's agents, `GROUP-IP[-NETWORK]` for Istio's, as Istio names them.
 *
 * @throws LateenError LAT4405
 */
export function entryName(group: string, node: NodeInfo): string {
  const parts = isOwnAgent(node) ? [group, machineOf(node)] : [group, addressPart(node.ips[0] ?? ""), node.network];
  const name = parts
    .filter((part) => part !== "")
    .join("-")
    .slice(-lengthLimit)
    .replace(/^[^a-z0-9]+/, "");
  if (!isObjectName(name)) {
    throw registrationErrors.badMachine(`${quoted(name)} cannot be the name of a WorkloadEntry`);
  }
  return name;
}

function machineOf(node: NodeInfo): string {
  const suffix = `.${node.namespace}`;
  return node.name.endsWith(suffix) ? node.name.slice(0, -suffix.length) : node.name;
}

function addressPart(ip: string): string {
  const text = ip.toLowerCase().replaceAll(":", "-");
  // An address that ends in `::` would end the name with a dash.
  return text.endsWith("-") ? `${text}0` : text;
}
