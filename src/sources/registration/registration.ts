// While a machine is connected, its WorkloadEntry exists.
//
// One machine owns a name and an address at a time. The newest connection of that machine speaks for it. Another machine
// of the same account that claims the same is refused while the owner is connected, and told why, so that the mesh never
// flaps between two. One of another account is served, but not registered before the owner gives way: what it says must
// neither take the owner's place nor, where the owner is the liar, cut it off from its configuration.
import { Group } from "../../collection/group.ts";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { type WorkloadEntry, workloadEntryKind } from "../../config/workload-entry/workload-entry.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { workloadOf } from "../../identity/spiffe-id.ts";
import { LateenError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { buildWorkloadEntry } from "./build-workload-entry.ts";
import { type ConnectedMachine, mayJoin, readClaim } from "./claim.ts";
import { addressConflict, nameConflict } from "./conflict.ts";
import { registrationErrors } from "./errors.ts";
import type { Machine } from "./machine.ts";
import { MachineIndex } from "./machine-index.ts";
import type { MachineRecord } from "./machine-record.ts";
import { PublishPace } from "./publish-pace.ts";
import { type RegistrationMetrics, registrationMetrics } from "./registration-metrics.ts";
import type { RegistrationOptions } from "./registration-options.ts";
import { WaitingClaims } from "./waiting-claims.ts";

/** Istio's PILOT_WORKLOAD_ENTRY_GRACE_PERIOD. */
export const gracePeriodMs = 10_000;
/**
 * How long a machine that was registered before this control plane started is believed to be there, milliseconds. Agents
 * come back within their backoff of 10 s; one that is slower must not lose its endpoints to the others' haste.
 */
export const restoredGraceMs = 120_000;
/** Machines of one control plane. */
const machineLimit = 20_000;
/** Machines registered with one certificate: a machine has one name, and may be renamed while the old one is in its grace. */
const certificateLimit = 4;
/** Connections of one machine that are remembered; the oldest are forgotten, as if they had ended. */
const connectionLimit = 8;

export class Registration implements Stoppable {
  /** The WorkloadEntries of connected machines, by `formatConfigKey`. */
  readonly entries: Source<Config<WorkloadEntry>>;
  private readonly options: RegistrationOptions;
  private readonly metrics: RegistrationMetrics;
  private readonly groups: Group<Config<WorkloadGroup>>;
  private readonly unsubscribe: () => void;
  private readonly machines = new MachineIndex();
  /** Key of the entry, by connection. */
  private readonly byConnection = new Map<string, string>();
  private readonly waiting = new WaitingClaims();
  private readonly pace: PublishPace;
  /** Keys of machines that have gone, left or moved, and of which `retry` does not know yet. */
  private readonly yielding: string[] = [];

  constructor(options: RegistrationOptions) {
    this.options = options;
    this.metrics = registrationMetrics(options.metrics ?? new Metrics());
    this.entries = new Source(options.graph, "registered WorkloadEntries");
    this.pace = new PublishPace(options.clock, (keys) => {
      options.graph.batch(() => {
        for (const key of keys) this.publish(key);
      });
    });
    this.groups = new Group("WorkloadGroups by name", options.groups, ({ key }) => [`${key.namespace}/${key.name}`]);
    this.unsubscribe = this.groups.subscribe((changes) => {
      options.graph.batch(() => {
        for (const { key } of changes) for (const entry of this.machines.keysOfGroup(key)) this.publish(entry);
      });
    });
  }

  /**
   * Registers the machine of a connection, if its node asks for it, perhaps later (see above). A connection id that is known
   * already is taken for the same connection.
   *
   * @throws LateenError LAT4401 to LAT4407; then nothing has changed, and the connection should end with the message
   */
  connected(connection: ConnectedMachine): void {
    const { node, connectionId } = connection;
    if (node.autoRegisterGroup === undefined) return;
    if (this.byConnection.has(connectionId) || this.waiting.has(connectionId)) return;
    try {
      const conflict = this.register(connection, false);
      if (conflict !== undefined) this.refused(node, "serving a machine without registering it", conflict);
    } catch (error) {
      if (error instanceof LateenError) this.refused(node, "refused to register a machine", error);
      else this.metrics.refused.inc();
      throw error;
    }
    this.retry();
  }

  private refused(node: NodeInfo, what: string, { code, message }: LateenError): void {
    this.metrics.refused.inc();
    this.options.log.warn(what, { code, node: node.id, group: node.autoRegisterGroup, reason: message });
  }

  /** Takes up machines of before, which are expected to connect again. */
  restore(records: readonly MachineRecord[]): void {
    const { clock, graph } = this.options;
    graph.batch(() => {
      for (const record of records.slice(0, machineLimit)) {
        const key = this.keyOf(record.namespace, record.name);
        if (this.machines.get(key) !== undefined || this.machines.keyAt(record.place) !== undefined) continue;
        const cancel = clock.after(restoredGraceMs, () => this.expire(key, "it did not come back"));
        this.add(key, { ...record, state: { kind: "leaving", cancel } });
        this.publish(key);
      }
    });
  }

  /** Ends a connection. The machine's entry goes after a grace period, unless it is or comes back on another connection. */
  disconnected(connectionId: string): void {
    if (this.waiting.delete(connectionId)) {
      this.metrics.waiting.set(this.waiting.size);
      return;
    }
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
    const cancel = this.options.clock.after(gracePeriodMs, () => this.expire(key, "its grace period ended"));
    machine.state = { kind: "leaving", cancel };
    this.yielding.push(key);
    this.retry();
  }

  /** The machine that a connection speaks for, as the key of its entry; undefined where it has none in the mesh. */
  machineOf(connectionId: string): string | undefined {
    const key = this.byConnection.get(connectionId);
    const machine = key === undefined ? undefined : this.machines.get(key);
    return machine !== undefined && this.fittingGroup(machine) !== undefined ? key : undefined;
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    this.groups.dispose();
    for (const { state } of this.machines.values()) if (state.kind === "leaving") state.cancel();
    this.pace.stop();
    this.machines.clear();
    this.waiting.clear();
    this.byConnection.clear();
  }

  /**
   * @param isServed the connection is too far on to be refused
   * @returns what is in the way, where the connection has to wait for another machine
   */
  private register(connection: ConnectedMachine, isServed: boolean): LateenError | undefined {
    const { connectionId, node } = connection;
    const { namespace, autoRegisterGroup: groupName = "" } = node;
    const group = this.groupOf(namespace, groupName);
    if (group === undefined) {
      throw registrationErrors.groupMissing(`there is no WorkloadGroup ${namespace}/${groupName}`);
    }
    const claim = readClaim(connection, group, { allowLoopback: this.options.allowLoopback === true });
    const { name, identity, place, network, seenThere, certificate } = claim;
    const key = this.keyOf(namespace, name);
    const owner = this.machines.get(key);
    const rivalKey = this.machines.keyAt(place) ?? key;
    const rival = rivalKey === key ? undefined : this.machines.get(rivalKey);
    // A machine that is away and whose group is not for it any more keeps nothing.
    const stale = owner?.state.kind === "leaving" && this.fittingGroup(owner) === undefined;
    const nameTaken = owner === undefined || stale ? undefined : nameConflict(owner, claim);
    const conflict = nameTaken ?? (rival === undefined ? undefined : addressConflict(rival, claim));
    if (conflict !== undefined) {
      const holder = nameTaken === undefined ? rival : owner;
      if (holder?.identity === identity && !isServed) throw conflict;
      this.wait(nameTaken === undefined ? rivalKey : key, connection);
      return conflict;
    }
    if (owner === undefined && this.machines.size >= machineLimit) {
      throw registrationErrors.tooMany(`${machineLimit} machines are registered`);
    }
    this.checkCertificate(key, certificate);

    const connectedAtMs = this.options.clock.now();
    const account = { node, network, place, seenThere, certificate, connectedAtMs };
    if (rival !== undefined) this.evict(rivalKey, rival, key);
    if (owner?.identity === identity && owner.group === groupName) {
      this.rejoin(key, owner, account, connectionId);
    } else {
      if (owner !== undefined) this.remove(key, "another identity has its name now");
      const state: Machine["state"] = { kind: "connected", connections: [connectionId] };
      const registeredAtMs = connectedAtMs;
      this.add(key, { namespace, name, group: groupName, identity, registeredAtMs, ...account, state });
    }
    this.byConnection.set(connectionId, key);
    this.note(key);
    // Together: an address is never in two entries.
    this.pace.note(...(rival === undefined ? [] : [rivalKey]), key);
    return undefined;
  }

  /** One certificate is one machine's; more names than a machine may change among are a flood. */
  private checkCertificate(key: string, certificate: string | undefined): void {
    const keys = this.machines.keysOfCertificate(certificate);
    if (keys.includes(key) || keys.length < certificateLimit) return;
    throw registrationErrors.certificateShared(
      `${keys.length} machines are registered with the certificate ${certificate} already`,
    );
  }

  private wait(holder: string, connection: ConnectedMachine): void {
    this.waiting.add(holder, connection);
    this.metrics.waiting.set(this.waiting.size);
  }

  /** A machine that only said that it has the address gives way to the one that is seen there; it stays connected. */
  private evict(key: string, machine: Machine, successor: string): void {
    const { state, identity, node, certificate } = machine;
    this.remove(key, "another machine has its address now");
    const connections = state.kind === "connected" ? state.connections : [];
    for (const connectionId of connections) {
      this.wait(successor, { connectionId, identities: [identity], node, certificate });
    }
  }

  /** Registers connections that waited for what has been given up since. */
  private retry(): void {
    for (let key = this.yielding.pop(); key !== undefined; key = this.yielding.pop()) {
      for (const connection of this.waiting.take(key)) {
        const { node } = connection;
        try {
          this.register(connection, true);
        } catch (error) {
          if (!(error instanceof LateenError)) throw error;
          this.refused(node, "serving a machine without registering it", error);
        }
      }
    }
    this.metrics.waiting.set(this.waiting.size);
  }

  private expire(key: string, reason: string): void {
    this.remove(key, reason);
    this.pace.note(key);
    this.retry();
  }

  private note(key: string): void {
    const machine = this.machines.get(key);
    if (machine === undefined) return;
    const { state: _state, ...record } = machine;
    this.options.journal?.note(key, record);
  }

  private add(key: string, machine: Machine): void {
    this.machines.add(key, machine);
    this.metrics.registered.inc();
    this.metrics.machines.set(this.machines.size);
    const { identity, name, node } = machine;
    const group = `${machine.namespace}/${machine.group}`;
    this.options.log.info("registered a machine", { entry: name, group, identity, address: node.ips[0] });
  }

  private rejoin(
    key: string,
    machine: Machine,
    account: Pick<Machine, "node" | "network" | "place" | "seenThere" | "certificate" | "connectedAtMs">,
    connectionId: string,
  ): void {
    this.metrics.updated.inc();
    if (machine.place !== account.place) this.yielding.push(key);
    this.machines.move(key, machine, account);
    const { state } = machine;
    if (state.kind === "leaving") state.cancel();
    const open = [...(state.kind === "leaving" ? [] : state.connections), connectionId];
    for (const forgotten of open.slice(0, -connectionLimit)) this.byConnection.delete(forgotten);
    machine.state = { kind: "connected", connections: open.slice(-connectionLimit) };
  }

  private remove(key: string, reason: string): void {
    const machine = this.machines.delete(key);
    if (machine === undefined) return;
    const { state } = machine;
    if (state.kind === "leaving") state.cancel();
    else for (const id of state.connections) this.byConnection.delete(id);
    this.yielding.push(key);
    const group = `${machine.namespace}/${machine.group}`;
    this.options.journal?.note(key, undefined);
    this.metrics.removed.inc();
    this.metrics.machines.set(this.machines.size);
    this.options.log.info("removed a machine", { entry: machine.name, group, reason });
  }

  /** Brings the entry in line with machine and group; without a group that fits there is none. */
  private publish(key: string): void {
    const machine = this.machines.get(key);
    if (machine === undefined) {
      this.entries.delete(key);
      return;
    }
    const group = this.fittingGroup(machine);
    const { source, controller, log } = this.options;
    const serviceAccount = workloadOf(machine.identity)?.serviceAccount ?? "";
    if (group === undefined) {
      const reason =
        this.groupOf(machine.namespace, machine.group) === undefined
          ? "its WorkloadGroup is gone"
          : "its WorkloadGroup has another service account";
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

  /** The machine's group, as long as it is for the machine's account. */
  private fittingGroup({ namespace, group: name, identity }: Machine): Config<WorkloadGroup> | undefined {
    const group = this.groupOf(namespace, name);
    return group !== undefined && mayJoin(identity, group) ? group : undefined;
  }

  private groupOf(namespace: string, name: string): Config<WorkloadGroup> | undefined {
    return this.groups.get(`${namespace}/${name}`)?.[0];
  }

  private keyOf(namespace: string, name: string): string {
    const { group, kind } = workloadEntryKind;
    return formatConfigKey({ source: this.options.source, group, kind, namespace, name });
  }
}
