// While a machine is connected, its WorkloadEntry exists.
//
// One machine owns a name and an address at a time. The newest connection of that machine speaks for it. Another machine
// of the same account that claims the same is refused while the owner is connected, and told why, so that the mesh never
// flaps between two. One of another account is served, but not registered before the owner gives way: what it says must
// neither take the owner's place nor, where the owner is the liar, cut it off from its configuration.
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { type WorkloadEntry, workloadEntryKind } from "../../config/workload-entry/workload-entry.ts";
import { workloadOf } from "../../identity/spiffe-id.ts";
import { LateenError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { buildWorkloadEntry } from "./build-workload-entry.ts";
import { type ConnectedMachine, mayJoin, readClaim } from "./claim.ts";
import { addressConflict, nameConflict, nameReserved } from "./conflict.ts";
import { registrationErrors } from "./errors.ts";
import type { Machine } from "./machine.ts";
import { MachineGroups } from "./machine-groups.ts";
import { MachineIndex } from "./machine-index.ts";
import type { MachineRecord } from "./machine-record.ts";
import { anyMachineGone, certificateFreed, groupChanged, type Obstacle } from "./obstacle.ts";
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
  private readonly groups: MachineGroups;
  private readonly machines = new MachineIndex();
  /** Key of the entry, by connection. */
  private readonly byConnection = new Map<string, string>();
  private readonly waiting = new WaitingClaims();
  private readonly pace: PublishPace;
  /** What has happened that connections wait for (see `Obstacle`), and of which `retry` does not know yet. */
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
    this.groups = new MachineGroups(options.groups, (names) => {
      options.graph.batch(() => {
        for (const [namespace, name] of names) {
          for (const entry of this.machines.keysOfGroup(`${namespace}/${name}`)) this.publish(entry);
          this.yielding.push(groupChanged(namespace, name));
        }
        this.retry();
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
      const obstacle = this.register(connection);
      if (obstacle?.refuses === true) throw obstacle.error;
      if (obstacle !== undefined) this.serveUnregistered(connection, obstacle);
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
    return machine !== undefined && this.groups.fitting(machine) !== undefined ? key : undefined;
  }

  async stop(): Promise<void> {
    this.groups.dispose();
    for (const { state } of this.machines.values()) if (state.kind === "leaving") state.cancel();
    this.pace.stop();
    this.machines.clear();
    this.waiting.clear();
    this.byConnection.clear();
  }

  /**
   * @returns what is in the way, if anything
   * @throws LateenError LAT4401, LAT4402, LAT4405: the group is not for the machine
   */
  private register(connection: ConnectedMachine): Obstacle | undefined {
    const { connectionId, node } = connection;
    const { namespace, autoRegisterGroup: groupName = "" } = node;
    const group = this.groups.get(namespace, groupName);
    if (group === undefined) {
      throw registrationErrors.groupMissing(`there is no WorkloadGroup ${namespace}/${groupName}`);
    }
    const claim = readClaim(connection, group, { allowLoopback: this.options.allowLoopback === true });
    const { name, identity, place, network, seenThere, certificate } = claim;
    const key = this.keyOf(namespace, name);
    const owner = this.machines.get(key);
    const returns = owner?.identity === identity && owner.group === groupName;
    const named = this.groups.ofEntry(namespace, name);
    if (named !== undefined && !mayJoin(identity, named) && !returns) return nameReserved(claim, named);
    const rivalKey = this.machines.keyAt(place) ?? key;
    const rival = rivalKey === key ? undefined : this.machines.get(rivalKey);
    // A machine from before the group that the name is for, or from before that was for this account.
    const yields = owner !== undefined && named !== undefined && !mayJoin(owner.identity, named) && !returns;
    const nameTaken = owner === undefined || yields ? undefined : nameConflict(owner, claim);
    const conflict = nameTaken ?? (rival === undefined ? undefined : addressConflict(rival, claim));
    if (conflict !== undefined) {
      const [holder, awaits] = nameTaken === undefined ? [rival, rivalKey] : [owner, key];
      return { error: conflict, awaits, refuses: holder?.identity === identity };
    }
    if (owner === undefined && this.machines.size >= machineLimit) {
      const error = registrationErrors.tooMany(`${machineLimit} machines are registered`);
      return { error, awaits: anyMachineGone, refuses: true };
    }
    const shared = this.sharedCertificate(key, certificate);
    if (shared !== undefined) return shared;

    const connectedAtMs = this.options.clock.now();
    const account = { node, network, place, seenThere, certificate, connectedAtMs };
    if (rival !== undefined) this.evict(rivalKey, "another machine has its address now", key);
    if (owner !== undefined && returns) {
      this.rejoin(key, owner, account, connectionId);
    } else {
      if (owner !== undefined) this.evict(key, "another identity has its name now", key);
      const state: Machine["state"] = { kind: "connected", connections: [connectionId] };
      this.add(key, { namespace, name, group: groupName, identity, registeredAtMs: connectedAtMs, ...account, state });
    }
    this.byConnection.set(connectionId, key);
    this.note(key);
    // Together: an address is never in two entries.
    this.pace.note(...(rival === undefined ? [] : [rivalKey]), key);
    return undefined;
  }

  /** One certificate is one machine's; more names than a machine may change among are a flood. */
  private sharedCertificate(key: string, certificate = ""): Obstacle | undefined {
    const keys = this.machines.keysOfCertificate(certificate);
    if (keys.includes(key) || keys.length < certificateLimit) return undefined;
    const error = registrationErrors.certificateShared(
      `${keys.length} machines are registered with the certificate ${certificate} already`,
    );
    return { error, awaits: certificateFreed(certificate), refuses: true };
  }

  /** @param tried the event after which the connection was tried; what it goes on waiting for has been said */
  private serveUnregistered(connection: ConnectedMachine, { error, awaits }: Obstacle, tried?: string): void {
    this.wait(awaits, connection);
    if (awaits !== tried) this.refused(connection.node, "serving a machine without registering it", error);
  }

  private wait(awaits: string, connection: ConnectedMachine): void {
    this.waiting.add(awaits, connection);
    this.metrics.waiting.set(this.waiting.size);
  }

  /** A machine gives way to one with a better claim; it stays connected. */
  private evict(key: string, reason: string, successor: string): void {
    const machine = this.remove(key, reason);
    if (machine?.state.kind !== "connected") return;
    const { identity, node, certificate, seenThere } = machine;
    const origin = seenThere ? { address: node.ips[0] ?? "" } : {};
    for (const connectionId of machine.state.connections) {
      this.wait(successor, { connectionId, identities: [identity], node, certificate, ...origin });
    }
  }

  /** Registers connections that waited for what has happened since. Those that still cannot be registered go on waiting. */
  private retry(): void {
    for (let event = this.yielding.pop(); event !== undefined; event = this.yielding.pop()) {
      for (const connection of this.waiting.take(event)) {
        const obstacle = this.obstacleOf(connection);
        if (obstacle !== undefined) this.serveUnregistered(connection, obstacle, event);
      }
    }
    this.metrics.waiting.set(this.waiting.size);
  }

  /** As `register`, for a connection that is too far on to be refused. */
  private obstacleOf(connection: ConnectedMachine): Obstacle | undefined {
    try {
      return this.register(connection);
    } catch (error) {
      if (!(error instanceof LateenError)) throw error;
      const { namespace, autoRegisterGroup = "" } = connection.node;
      return { error, awaits: groupChanged(namespace, autoRegisterGroup), refuses: false };
    }
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
    const { certificate } = machine;
    if (certificate !== undefined && certificate !== account.certificate) {
      this.yielding.push(certificateFreed(certificate));
    }
    this.machines.move(key, machine, account);
    const { state } = machine;
    if (state.kind === "leaving") state.cancel();
    const open = [...(state.kind === "leaving" ? [] : state.connections), connectionId];
    for (const forgotten of open.slice(0, -connectionLimit)) this.byConnection.delete(forgotten);
    machine.state = { kind: "connected", connections: open.slice(-connectionLimit) };
  }

  private remove(key: string, reason: string): Machine | undefined {
    const machine = this.machines.delete(key);
    if (machine === undefined) return undefined;
    const { state } = machine;
    if (state.kind === "leaving") state.cancel();
    else for (const id of state.connections) this.byConnection.delete(id);
    this.yielding.push(key, anyMachineGone);
    if (machine.certificate !== undefined) this.yielding.push(certificateFreed(machine.certificate));
    const group = `${machine.namespace}/${machine.group}`;
    this.options.journal?.note(key, undefined);
    this.metrics.removed.inc();
    this.metrics.machines.set(this.machines.size);
    this.options.log.info("removed a machine", { entry: machine.name, group, reason });
    return machine;
  }

  /** Brings the entry in line with machine and group; without a group that fits there is none. */
  private publish(key: string): void {
    const machine = this.machines.get(key);
    if (machine === undefined) {
      this.entries.delete(key);
      return;
    }
    const group = this.groups.fitting(machine);
    const { source, controller, log } = this.options;
    const serviceAccount = workloadOf(machine.identity)?.serviceAccount ?? "";
    if (group === undefined) {
      const reason =
        this.groups.get(machine.namespace, machine.group) === undefined
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

  private keyOf(namespace: string, name: string): string {
    const { group, kind } = workloadEntryKind;
    return formatConfigKey({ source: this.options.source, group, kind, namespace, name });
  }
}
