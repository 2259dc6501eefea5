// While a machine is connected, its WorkloadEntry exists.
//
// One machine owns a name and an address at a time. The newest connection of that machine speaks for it; another machine
// that claims the same is refused while the owner is connected, and told why, so that the mesh never flaps between two.
import type { Collection } from "../../collection/collection.ts";
import type { Graph } from "../../collection/graph.ts";
import { Group } from "../../collection/group.ts";
import { Source } from "../../collection/source.ts";
import { addressScope } from "../../config/ip-address.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { type WorkloadEntry, workloadEntryKind } from "../../config/workload-entry/workload-entry.ts";
import { serviceAccountOf } from "../../config/workload-group/service-account.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { parseSpiffeId, type SpiffeId, workloadOf } from "../../identity/spiffe-id.ts";
import type { Clock } from "../../kernel/clock.ts";
import { LateenError } from "../../kernel/error.ts";
import { parseIp } from "../../kernel/ip-address.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import { Metrics } from "../../kernel/metric.ts";
import { quoted } from "../../kernel/quote.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { buildWorkloadEntry, entryNetwork } from "./build-workload-entry.ts";
import { entryName } from "./entry-name.ts";
import { registrationErrors } from "./errors.ts";
import type { Machine } from "./machine.ts";
import type { MachineJournal } from "./machine-journal.ts";
import type { MachineRecord } from "./machine-record.ts";
import { type RegistrationMetrics, registrationMetrics } from "./registration-metrics.ts";

export interface RegistrationOptions {
  graph: Graph;
  /** Every WorkloadGroup; where several have one name, the first by key counts. */
  groups: Collection<Config<WorkloadGroup>>;
  /** Cluster id; part of the entries' keys. */
  source: string;
  /** Name of this control plane, for people. */
  controller: string;
  clock: Clock;
  log: Log;
  metrics?: Metrics;
  /** Remembers machines beyond the life of this process. */
  journal?: Pick<MachineJournal, "note">;
  /** Lets machines register loopback addresses: for trials with several proxies on one host. */
  allowLoopback?: boolean;
}

export interface ConnectedMachine {
  connectionId: string;
  /** SPIFFE ids that the connection has proven; none on a plaintext stream. */
  identities: readonly string[];
  node: NodeInfo;
}

/** Istio's PILOT_WORKLOAD_ENTRY_GRACE_PERIOD. */
export const gracePeriodMs = 10_000;
/**
 * How long a machine that was registered before this control plane started is believed to be there, milliseconds. Agents
 * come back within their backoff of 10 s; one that is slower must not lose its endpoints to the others' haste.
 */
export const restoredGraceMs = 120_000;
/** Machines of one control plane. */
const machineLimit = 20_000;
/** Connections of one machine that are remembered; the oldest are forgotten, as if they had ended. */
const connectionLimit = 8;

export class Registration implements Stoppable {
  /** The WorkloadEntries of connected machines, by `formatConfigKey`. */
  readonly entries: Source<Config<WorkloadEntry>>;
  private readonly options: RegistrationOptions;
  private readonly metrics: RegistrationMetrics;
  private readonly groups: Group<Config<WorkloadGroup>>;
  private readonly unsubscribe: () => void;
  /** By key of the entry. */
  private readonly machines = new Map<string, Machine>();
  /** Key of the entry, by connection. */
  private readonly byConnection = new Map<string, string>();
  /** Key of the entry, by network and address. */
  private readonly byPlace = new Map<string, string>();
  /** Keys of entries, by `namespace/name` of the group. */
  private readonly byGroup = new Map<string, Set<string>>();

  constructor(options: RegistrationOptions) {
    this.options = options;
    this.metrics = registrationMetrics(options.metrics ?? new Metrics());
    this.entries = new Source(options.graph, "registered WorkloadEntries");
    this.groups = new Group("WorkloadGroups by name", options.groups, ({ key }) => [`${key.namespace}/${key.name}`]);
    this.unsubscribe = this.groups.subscribe((changes) => {
      options.graph.batch(() => {
        for (const { key } of changes) for (const entry of this.byGroup.get(key) ?? []) this.publish(entry);
      });
    });
  }

  /**
   * Registers the machine of a connection, if its node asks for it. A connection id that is known already is taken for
   * the same connection.
   *
   * @throws LateenError LAT4401 to LAT4406; then nothing has changed, and the connection should end with the message
   */
  connected(connection: ConnectedMachine): void {
    const { node, connectionId } = connection;
    if (node.autoRegisterGroup === undefined || this.byConnection.has(connectionId)) return;
    try {
      this.register(connection, node.autoRegisterGroup);
    } catch (error) {
      this.metrics.refused.inc();
      if (error instanceof LateenError) {
        const fields = { code: error.code, node: node.id, group: node.autoRegisterGroup, reason: error.message };
        this.options.log.warn("refused to register a machine", fields);
      }
      throw error;
    }
  }

  /** Takes up machines of before, which are expected to connect again. */
  restore(records: readonly MachineRecord[]): void {
    const { clock, graph } = this.options;
    graph.batch(() => {
      for (const record of records.slice(0, machineLimit)) {
        const key = this.keyOf(record.namespace, record.name);
        if (this.machines.has(key) || this.byPlace.has(record.place)) continue;
        const cancel = clock.after(restoredGraceMs, () => this.remove(key, "it did not come back"));
        this.add(key, { ...record, state: { kind: "leaving", cancel } });
        this.byPlace.set(record.place, key);
        this.publish(key);
      }
    });
  }

  /** Ends a connection. The machine's entry goes after a grace period, unless it is or comes back on another connection. */
  disconnected(connectionId: string): void {
    const key = this.byConnection.get(connectionId) ?? "";
    const machine = this.machines.get(key);
    this.byConnection.delete(connectionId);
    if (machine?.state.kind !== "connected") return;
    const connections = machine.state.connections.filter((id) => id !== connectionId);
    if (connections.length > 0) {
      machine.state = { kind: "connected", connections };
      return;
    }
    this.metrics.disconnected.inc();
    const cancel = this.options.clock.after(gracePeriodMs, () => this.remove(key, "its grace period ended"));
    machine.state = { kind: "leaving", cancel };
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    this.groups.dispose();
    for (const { state } of this.machines.values()) if (state.kind === "leaving") state.cancel();
    this.machines.clear();
    this.byConnection.clear();
    this.byPlace.clear();
    this.byGroup.clear();
  }

  private register({ connectionId, identities, node }: ConnectedMachine, groupName: string): void {
    const { namespace } = node;
    const group = this.groupOf(namespace, groupName);
    if (group === undefined) {
      throw registrationErrors.groupMissing(`there is no WorkloadGroup ${namespace}/${groupName}`);
    }
    const identity = provenIdentity(identities, group);
    this.checkAddress(node);
    const name = entryName(groupName, node);
    const key = this.keyOf(namespace, name);
    const network = entryNetwork(group, node);
    const place = placeOf(network, node);
    const connectedAtMs = this.options.clock.now();
    const account = { node, network, place, connectedAtMs };
    const owner = this.machines.get(key);
    if (owner !== undefined) checkOwner(owner, { identity, group: groupName, node, network });
    const rivalKey = this.byPlace.get(place);
    const rival = rivalKey === key ? undefined : this.machines.get(rivalKey ?? "");
    if (rival !== undefined) checkRival(rival, node);
    if (owner === undefined && this.machines.size >= machineLimit) {
      throw registrationErrors.tooMany(`${machineLimit} machines are registered`);
    }

    this.options.graph.batch(() => {
      if (rival !== undefined) this.remove(rivalKey ?? "", "another machine has its address now");
      if (owner?.identity === identity && owner.group === groupName) {
        this.rejoin(key, owner, account, connectionId);
      } else {
        if (owner !== undefined) this.remove(key, "another identity has its name now");
        const state: Machine["state"] = { kind: "connected", connections: [connectionId] };
        const registeredAtMs = connectedAtMs;
        this.add(key, { namespace, name, group: groupName, identity, registeredAtMs, ...account, state });
      }
      this.byConnection.set(connectionId, key);
      this.byPlace.set(place, key);
      this.publish(key);
    });
    this.note(key);
  }

  private note(key: string): void {
    const machine = this.machines.get(key);
    if (machine === undefined) return;
    const { state: _state, ...record } = machine;
    this.options.journal?.note(key, record);
  }

  private add(key: string, machine: Machine): void {
    this.machines.set(key, machine);
    this.metrics.registered.inc();
    this.metrics.machines.set(this.machines.size);
    const group = `${machine.namespace}/${machine.group}`;
    this.byGroup.set(group, (this.byGroup.get(group) ?? new Set()).add(key));
    const { identity, name, node } = machine;
    this.options.log.info("registered a machine", { entry: name, group, identity, address: node.ips[0] });
  }

  private rejoin(
    key: string,
    machine: Machine,
    account: Pick<Machine, "node" | "network" | "place" | "connectedAtMs">,
    connectionId: string,
  ): void {
    this.metrics.updated.inc();
    this.leavePlace(key, machine);
    Object.assign(machine, account);
    const { state } = machine;
    if (state.kind === "leaving") state.cancel();
    const open = [...(state.kind === "leaving" ? [] : state.connections), connectionId];
    for (const forgotten of open.slice(0, -connectionLimit)) this.byConnection.delete(forgotten);
    machine.state = { kind: "connected", connections: open.slice(-connectionLimit) };
  }

  private leavePlace(key: string, machine: Machine): void {
    if (this.byPlace.get(machine.place) === key) this.byPlace.delete(machine.place);
  }

  private remove(key: string, reason: string): void {
    const machine = this.machines.get(key);
    if (machine === undefined) return;
    const { state } = machine;
    if (state.kind === "leaving") state.cancel();
    else for (const id of state.connections) this.byConnection.delete(id);
    this.machines.delete(key);
    this.leavePlace(key, machine);
    const group = `${machine.namespace}/${machine.group}`;
    const members = this.byGroup.get(group);
    members?.delete(key);
    if (members?.size === 0) this.byGroup.delete(group);
    this.entries.delete(key);
    this.options.journal?.note(key, undefined);
    this.metrics.removed.inc();
    this.metrics.machines.set(this.machines.size);
    this.options.log.info("removed a machine", { entry: machine.name, group, reason });
  }

  /** Brings the entry in line with machine and group; without a group that fits there is none. */
  private publish(key: string): void {
    const machine = this.machines.get(key);
    if (machine === undefined) return;
    const group = this.groupOf(machine.namespace, machine.group);
    const { source, controller, log } = this.options;
    const serviceAccount = workloadOf(machine.identity)?.serviceAccount ?? "";
    if (group === undefined || !mayJoin(machine.identity, group)) {
      const reason =
        group === undefined ? "its WorkloadGroup is gone" : "its WorkloadGroup has another service account";
      if (this.entries.has(key)) log.warn("took a machine out", { entry: machine.name, reason });
      this.entries.delete(key);
      return;
    }
    const { name, node, connectedAtMs, registeredAtMs } = machine;
    this.entries.set(
      key,
      buildWorkloadEntry({ group, node, serviceAccount, name, connectedAtMs, registeredAtMs, controller, source }),
    );
  }

  private checkAddress(node: NodeInfo): void {
    const [address = ""] = node.ips;
    const bytes = parseIp(address);
    const scope = bytes === undefined ? "unreadable" : addressScope(bytes);
    if (scope === "ordinary" || (scope === "loopback" && this.options.allowLoopback === true)) return;
    throw registrationErrors.badMachine(`${quoted(address)} is ${scope}: no address for others`);
  }

  private groupOf(namespace: string, name: string): Config<WorkloadGroup> | undefined {
    return this.groups.get(`${namespace}/${name}`)?.[0];
  }

  private keyOf(namespace: string, name: string): string {
    const { group, kind } = workloadEntryKind;
    return formatConfigKey({ source: this.options.source, group, kind, namespace, name });
  }
}

/**
 * Istio's ISTIO_WORKLOAD_ENTRY_VALIDATE_IDENTITY: same namespace and the group's service account. Unlike there, a group
 * that states none is not for all: its tokens give `default`.
 */
function mayJoin(identity: SpiffeId, group: Config<WorkloadGroup>): boolean {
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

/**
 * A claim of the owner's name must come from the owner, unless the owner is gone.
 *
 * @throws LateenError LAT4403
 */
function checkOwner(owner: Machine, claim: Pick<Machine, "identity" | "group" | "node" | "network">): void {
  const { identity, group, node, network } = claim;
  if (owner.state.kind === "leaving") return;
  const sameAddress = owner.network === network && owner.node.ips.some((ip) => node.ips.includes(ip));
  if (owner.identity === identity && owner.group === group && sameAddress) return;
  throw registrationErrors.nameTaken(
    `${owner.namespace}/${owner.name} is ${owner.identity} at ${owner.node.ips[0]}, and connected; the claim comes from ${identity} at ${node.ips[0]}`,
  );
}

/**
 * A claim of the rival's address is good only when the rival is gone.
 *
 * @throws LateenError LAT4404
 */
function checkRival(rival: Machine, node: NodeInfo): void {
  if (rival.state.kind === "leaving") return;
  throw registrationErrors.addressTaken(
    `the address ${node.ips[0]} belongs to ${rival.namespace}/${rival.name}, which is connected`,
  );
}

/** An address is unique on its network only. */
function placeOf(network: string, node: NodeInfo): string {
  return `${network}/${parseIp(node.ips[0] ?? "")?.join(".") ?? ""}`;
}
