// One machine of the mesh: puts the parts together in the order data flows, and takes them apart again.
import { join as joinPath } from "node:path";
import { fromJson } from "@bufbuild/protobuf";
import { NodeSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { MachineConfig } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { Lifecycle, type Stoppable } from "../kernel/lifecycle.ts";
import type { Secret } from "../kernel/secret.ts";
import { routePartsCapability } from "../xds/capability.ts";
import { typeUrls } from "../xds/type-url.ts";
import { findObstacles } from "./agent-obstacles.ts";
import type { AgentOptions, Joined, ReadyReport } from "./agent-options.ts";
import { type AgentStatus, describeAgent } from "./agent-status.ts";
import { buildNode } from "./bootstrap/node.ts";
import { nodeInputOf } from "./bootstrap/node-input.ts";
import { telemetryEnvironment } from "./bootstrap/telemetry-environment.ts";
import { prepareRunFolder, writeBootstrap } from "./bootstrap/write-bootstrap.ts";
import { CaptureKeeper } from "./capture-keeper.ts";
import { AdsLink, adsPath } from "./control-plane/ads-link.ts";
import type { ControlPlaneAddress } from "./control-plane/control-plane-address.ts";
import { join } from "./control-plane/join.ts";
import { MachineClient } from "./control-plane/machine-client.ts";
import { materialOf } from "./control-plane/tls-material.ts";
import { AdminClient } from "./envoy/admin-client.ts";
import { EnvoyProcess } from "./envoy/envoy-process.ts";
import { OutputPipe } from "./envoy/output-pipe.ts";
import { type ResolvedEnvoy, resolveEnvoy } from "./envoy/resolve-envoy.ts";
import { endStaleEnvoy, forgetEnvoy, rememberEnvoy } from "./envoy/stale-envoy.ts";
import { agentErrors } from "./errors.ts";
import { IdentityManager } from "./identity/identity-manager.ts";
import type { MachineIdentity } from "./identity/machine-identity.ts";
import { NetworkFollower } from "./machine-network.ts";
import { readMachineConfig, readNameTable } from "./machine-view.ts";
import { agentTopics } from "./query/agent-topics.ts";
import { QueryAnswerer } from "./query/query-answerer.ts";
import type { RunningParts } from "./running-parts.ts";
import { secretHandlers } from "./sds/secret-service.ts";
import { GrpcServer } from "./socket/grpc-server.ts";
import { MetricsPage } from "./status/metrics-page.ts";
import { openStatusPorts } from "./status/status-ports.ts";
import { SealedFolder } from "./storage/sealed-folder.ts";
import { loadMachine, type StoredMachine, saveMachine } from "./stored-machine.ts";
import { Waiters } from "./waiters.ts";
import { StoredResources } from "./xds-relay/stored-resources.ts";
import { XdsRelay } from "./xds-relay/xds-relay.ts";

/** What Lateen's control plane may use with this agent. */
export const agentCapabilities: readonly string[] = ["machine-config", "query", routePartsCapability];

const envoyTimeoutMs = 1_000;
/** How long the report of readiness waits for the first name table, milliseconds; a foreign control plane may have none. */
const nameTableWaitMs = 5_000;

export class Agent implements Stoppable {
  private readonly options: AgentOptions;
  private readonly lifecycle = new Lifecycle();
  private readonly identity: IdentityManager;
  private readonly waiters = new Waiters();
  private startedMs = 0;
  private folder: SealedFolder | undefined;
  private resolved: ResolvedEnvoy | undefined;
  private machine: Omit<StoredMachine, "identity"> | undefined;
  private running: RunningParts | undefined;
  private starting: Promise<void> | undefined;
  private stopped = false;

  constructor(options: AgentOptions) {
    this.options = options;
    const { settings, clock, random, log, metrics } = options;
    const tools = { clock, random, log, metrics };
    this.identity = this.lifecycle.add(
      new IdentityManager({
        machineId: () => this.machine?.name ?? settings.network().addresses.join(" "),
        renew: async (csr, present) => {
          const { certChain, rootCerts } = await this.clientAs(present).renew(csr);
          return { chain: certChain, roots: rootCerts };
        },
        save: async (identity) => saveMachine(await this.openFolder(), { ...this.known(), identity }),
        ...tools,
      }),
    );
  }

  /**
   * Makes this a machine of the mesh: verifies the control plane by the token, gets an identity and keeps it.
   *
   * @throws LateenError LAT3008, LAT3303 to LAT3306, LAT3309; LAT4201 or LAT4202, before the token is used
   */
  async join(controlPlane: ControlPlaneAddress, token: Secret<string>, name?: string): Promise<Joined> {
    const { settings, clock } = this.options;
    await this.openFolder();
    // Before the token is spent: without an Envoy there is nothing to join with.
    await this.findEnvoy();
    const identity = await this.identity.join(async (csr) => {
      const request = {
        address: controlPlane,
        token,
        ...(name === undefined ? {} : { name }),
        addresses: settings.network().addresses,
        agentVersion: settings.agentVersion,
        capabilities: agentCapabilities,
      };
      const { issued, response } = await join(request, csr, clock);
      if (response.machine === undefined) throw agentErrors.badIdentity("the control plane sent no configuration");
      this.machine = { controlPlane, name: response.name, config: response.machine };
      return issued;
    });
    return { spiffeId: identity.spiffeId, name: this.known().name };
  }

  /**
   * Starts everything; resolves when the parts run, which is before the machine is ready (`whenReady`).
   *
   * @throws LateenError LAT3301 where the machine has not joined; LAT4201, LAT4202, LAT4205, LAT4206 or LAT4209
   */
  async start(): Promise<void> {
    const { settings, clock } = this.options;
    this.startedMs = clock.monotonic();
    const folder = await this.openFolder();
    const machine = await loadMachine(folder);
    if (machine === undefined) throw agentErrors.notJoined(`no identity is stored in ${settings.dataFolder}`);
    this.machine = machine;
    if (this.identity.identity === undefined) this.identity.restore(machine.identity);
    const resolved = await this.findEnvoy();
    if (this.stopped) throw agentErrors.stopped("the agent was stopped while it looked for Envoy");
    this.starting = this.startParts(folder, machine, resolved);
    await this.starting;
  }

  private async startParts(folder: SealedFolder, machine: StoredMachine, resolved: ResolvedEnvoy): Promise<void> {
    const { settings, clock, random, log, metrics, dns, sendSignal } = this.options;
    const { lifecycle, identity } = this;
    const tools = { clock, random, log, metrics };

    // The control plane's side: what is known, first from disk, then from the stream.
    const extras = { envoy: resolved.version, capabilities: agentCapabilities, answersDns: dns !== undefined };
    const node = nodeInputOf(machine, settings, extras);
    const relay = new XdsRelay({
      // As the machine is at each dial: addresses come and go.
      node: () => fromJson(NodeSchema, buildNode(nodeInputOf(machine, settings, extras))),
      clock,
      log,
      metrics,
    });
    lifecycle.defer(() => relay.stop());
    const admin = new AdminClient({ host: "127.0.0.1", port: settings.ports.admin, clock });
    this.followOwnTypes(relay, admin);
    await lifecycle.add(new StoredResources({ relay, folder, clock, log })).start();
    const link = lifecycle.add(
      new AdsLink({
        address: machine.controlPlane,
        serverPings: true,
        material: () => materialOf(identity.identity ?? machine.identity),
        open: (send) => relay.openUpstream(send),
        ...tools,
      }),
    );
    lifecycle.defer(identity.onChange(() => link.redial()));
    lifecycle.add(new NetworkFollower({ network: settings.network, changed: () => link.redial(), clock, log }));

    // Envoy's side: one socket for xDS and SDS, then the ports that tell about both.
    prepareRunFolder(settings);
    const socketPath = joinPath(settings.runFolder, "proxy", "socket");
    const handlers = secretHandlers(identity, log).set(adsPath, (call) => relay.acceptEnvoy(call));
    await lifecycle.add(new GrpcServer({ handlers, log })).listen(socketPath, settings.runAs, settings.self);
    const page = new MetricsPage({ admin, metrics, log, clock });
    const agentPort = await openStatusPorts(lifecycle, {
      settings,
      page,
      obstacles: () => this.probe(admin),
      status: () => this.status,
      log,
      clock,
    });
    const configPath = writeBootstrap(settings, node, { socketPath, agentPort });
    await endStaleEnvoy(settings.runFolder, configPath, { clock, log, send: sendSignal });
    // Until Envoy has ended it may call applications as capture lets it.
    lifecycle.defer(() => this.options.capture?.release?.());
    const output = lifecycle.add(
      await OutputPipe.open(settings.runFolder, settings.runAs, this.options.onOutput ?? (() => {})),
    );
    const envoy = lifecycle.add(
      new EnvoyProcess({
        path: resolved.path,
        configPath,
        env: telemetryEnvironment(node),
        output,
        concurrency: settings.concurrency,
        logLevel: settings.envoyLogLevel,
        runAs: settings.runAs,
        drainMs: settings.drainMs,
        admin,
        onStart: (pid) => rememberEnvoy(settings.runFolder, pid),
        ...tools,
      }),
    );
    lifecycle.defer(() => forgetEnvoy(settings.runFolder));

    const capture = this.captureKeeper();
    const running: RunningParts = { machine, resolved, relay, link, envoy, capture, config: machine.config };
    this.running = running;
    this.learn(relay);
    lifecycle.defer(relay.onChange(() => this.waiters.wake()));
    lifecycle.defer(
      envoy.onState((state) => {
        // Earlier, captured traffic would meet a closed port.
        if (state.kind === "live") capture?.update();
        this.waiters.wake();
      }),
    );
    link.start();
    envoy.start();
    if (dns !== undefined) await lifecycle.add(dns).start();
    // Added last: it must be the first to go, while Envoy still takes what is captured.
    if (capture !== undefined) lifecycle.add(capture);
    this.waiters.wake();
  }

  /**
   * Resolves once the machine is ready to serve and be served.
   *
   * @throws LateenError LAT4211 where the agent was stopped before
   */
  async whenReady(): Promise<ReadyReport> {
    const { clock } = this.options;
    const isReady = await this.waiters.until(() => this.obstacles().length === 0);
    const { running } = this;
    if (!isReady || running === undefined) {
      throw agentErrors.stopped(`the agent was stopped before it was ready: ${this.obstacles().join("; ")}`);
    }
    const readyAfterMs = Math.round(clock.monotonic() - this.startedMs);
    let waited = false;
    const cancel = clock.after(nameTableWaitMs, () => {
      waited = true;
      this.waiters.wake();
    });
    await this.waiters.until(() => waited || running.relay.cacheOf(typeUrls.nameTable).answered);
    cancel();
    return { spiffeId: this.identity.identity?.spiffeId ?? "", services: running.services ?? 0, readyAfterMs };
  }

  /** What the agent says of itself; undefined before it has started. */
  get status(): AgentStatus | undefined {
    const { running } = this;
    if (running === undefined) return undefined;
    return describeAgent({
      name: running.machine.name,
      obstacles: this.obstacles(),
      identity: this.identity.state,
      address: running.machine.controlPlane,
      link: running.link.state,
      envoy: running.envoy.state,
      resolved: running.resolved,
      ...(running.services === undefined ? {} : { services: running.services }),
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.waiters.end();
    // Parts that are half started can only be stopped when they are whole; that takes moments.
    await this.starting?.catch(() => {});
    await this.lifecycle.stop();
  }

  private async findEnvoy(): Promise<ResolvedEnvoy> {
    const { settings, env, log } = this.options;
    this.resolved ??= await resolveEnvoy({
      env,
      log: (line) => log.info(line),
      ...(settings.envoy === undefined ? {} : { flag: settings.envoy }),
    });
    return this.resolved;
  }

  private async openFolder(): Promise<SealedFolder> {
    const { settings, random } = this.options;
    this.folder ??= await SealedFolder.open({ folder: settings.dataFolder, random, self: settings.self });
    return this.folder;
  }

  private known(): Omit<StoredMachine, "identity"> {
    if (this.machine === undefined) throw agentErrors.notJoined("the machine has not joined a mesh");
    return this.machine;
  }

  private clientAs(identity: MachineIdentity): MachineClient {
    return new MachineClient({ address: this.known().controlPlane, material: materialOf(identity) });
  }

  private followOwnTypes(relay: XdsRelay, admin: AdminClient): void {
    const { clock, log, dns, capture } = this.options;
    const queries = new QueryAnswerer({
      admin,
      topics: agentTopics({ status: () => this.status, dns, capture }),
      send: (answer) => {
        const present = this.identity.identity;
        if (present === undefined) throw agentErrors.notJoined("the machine has no identity");
        return this.clientAs(present).answer(answer);
      },
      clock,
      log,
    });
    relay.follow(typeUrls.query, (cache, change) => queries.received(cache, change));
    relay.follow(typeUrls.machine, () => this.learn(relay));
    relay.follow(typeUrls.nameTable, () => this.learn(relay));
  }

  /** Takes what the relay's caches say about this machine and the mesh's names. */
  private learn(relay: XdsRelay): void {
    const { running } = this;
    if (running === undefined) return; // read when the agent has started
    running.config = readMachineConfig(relay.cacheOf(typeUrls.machine)) ?? running.machine.config;
    const names = relay.cacheOf(typeUrls.nameTable);
    if (names.answered) {
      // Not before: an empty table would mean that no name of the mesh exists.
      const table = readNameTable(names);
      running.services = Object.keys(table.table).length;
      this.options.dns?.update(table, running.config);
    }
    if (running.envoy.state.kind === "live") running.capture?.update();
  }

  private captureKeeper(): CaptureKeeper | undefined {
    const { capture, clock, log } = this.options;
    const wanted = (): MachineConfig => this.running?.config ?? this.known().config;
    const changed = (): void => this.waiters.wake();
    return capture === undefined ? undefined : new CaptureKeeper({ capture, wanted, changed, clock, log });
  }

  private obstacles(): string[] {
    const { running, identity } = this;
    if (running === undefined) return ["the agent has not started yet"];
    const { envoy, link, relay, capture } = running;
    return findObstacles({
      identity: identity.state,
      envoy: envoy.state,
      configured: relay.envoyConfigured,
      link: link.state,
      dns: this.options.dns,
      capture,
    });
  }

  /** For load balancers: asks Envoy too, which can hang without having died. */
  private async probe(admin: AdminClient): Promise<string[]> {
    const found = this.obstacles();
    if (found.length === 0 && !(await admin.isLive(envoyTimeoutMs))) found.push("Envoy does not answer");
    return found;
  }
}
