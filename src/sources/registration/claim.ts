// What a connection claims when it registers a machine, checked as far as it can be without looking at other machines.
import { addressScope } from "../../config/ip-address.ts";
import type { Config } from "../../config/object.ts";
import { serviceAccountOf } from "../../config/workload-group/service-account.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { parseSpiffeId, type SpiffeId, workloadOf } from "../../identity/spiffe-id.ts";
import { formatIp, parseIp } from "../../kernel/ip-address.ts";
import { quoted } from "../../kernel/quote.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { entryNetwork } from "./build-workload-entry.ts";
import { entryName } from "./entry-name.ts";
import { registrationErrors } from "./errors.ts";

export interface ConnectedMachine {
  connectionId: string;
  /** SPIFFE ids that the connection has proven; none on a plaintext stream. */
  identities: readonly string[];
  node: NodeInfo;
  /** IP address that the connection comes from; behind a NAT or a proxy it is not the machine's. */
  address?: string;
  /** Serial number of the client certificate. */
  certificate?: string | undefined;
}

export interface Claim {
  readonly group: string;
  /** Name of the WorkloadEntry. */
  readonly name: string;
  readonly identity: SpiffeId;
  readonly node: NodeInfo;
  readonly network: string;
  /** Network and address: an address is unique on its network only. */
  readonly place: string;
  /** The connection comes from the address it claims: whoever holds it is there, seen from the control plane. */
  readonly seenThere: boolean;
  readonly certificate: string | undefined;
}

/** @throws LateenError LAT4402, LAT4405 */
export function readClaim(
  connection: ConnectedMachine,
  group: Config<WorkloadGroup>,
  options: { allowLoopback: boolean },
): Claim {
  const { node, address, certificate } = connection;
  const identity = provenIdentity(connection.identities, group);
  const own = usableAddress(node, options.allowLoopback);
  const network = entryNetwork(group);
  return {
    group: group.key.name,
    name: entryName(group.key.name, node),
    identity,
    node,
    network,
    place: `${network}/${own}`,
    seenThere: address !== undefined && plainAddress(address) === own,
    certificate,
  };
}

/**
 * Istio's ISTIO_WORKLOAD_ENTRY_VALIDATE_IDENTITY: same namespace and the group's service account. Unlike there, a group
 * that states none is not for all: its tokens give `default`.
 */
export function mayJoin(identity: SpiffeId, group: Config<WorkloadGroup>): boolean {
  const workload = workloadOf(identity);
  return workload?.namespace === group.key.namespace && workload.serviceAccount === serviceAccountOf(group.spec);
}

function provenIdentity(identities: readonly string[], group: Config<WorkloadGroup>): SpiffeId {
  const fitting = identities.map(parseSpiffeId).find((id) => mayJoin(id, group));
  if (fitting !== undefined) return fitting;
  const { namespace, name } = group.key;
  const proven = identities.length === 0 ? "nothing" : identities.join(", ");
  throw registrationErrors.identityRefused(
    `the connection proves ${proven}, which WorkloadGroup ${namespace}/${name} is not for`,
  );
}

function usableAddress(node: NodeInfo, allowLoopback: boolean): string {
  const [address = ""] = node.ips;
  const bytes = parseIp(address);
  const scope = bytes === undefined ? "unreadable" : addressScope(bytes);
  if (bytes !== undefined && (scope === "ordinary" || (scope === "loopback" && allowLoopback))) return formatIp(bytes);
  throw registrationErrors.badMachine(`${quoted(address)} is ${scope}: no address for others`);
}

/** A socket of both families shows IPv4 addresses as `::ffff:10.0.0.1` (RFC 4291 section 2.5.5.2). */
function plainAddress(text: string): string | undefined {
  const bytes = parseIp(text.replace(/^::ffff:(?=\d+\.)/i, ""));
  return bytes === undefined ? undefined : formatIp(bytes);
}
