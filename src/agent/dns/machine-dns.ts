// The agent's DNS part: the server, the names in force and the machine's own resolv.conf.
import type { NameTable } from "../../../gen/istio/networking/nds/v1/nds_pb.ts";
import type { MachineConfig } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Metrics } from "../../kernel/metric.ts";
import type { Random } from "../../kernel/random.ts";
import type { DnsPart } from "../parts.ts";
import { normalizeName } from "./dns-name.ts";
import { DnsServer } from "./dns-server.ts";
import { NameTableHolder } from "./name-table-holder.ts";
import { ResolvConfFile } from "./resolv-conf-file.ts";
import { formatUpstream } from "./upstream.ts";

export interface MachineDnsOptions {
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  /** Default `/etc/resolv.conf`. */
  resolvConf?: string;
  /** Default 127.0.0.1 and ::1. */
  addresses?: readonly string[];
  /** Default 15053; 0 takes a free one. */
  port?: number;
}

/** Istio's default, until the control plane names the mesh's own. */
const defaultDomainSuffix = "cluster.local";

export class MachineDns implements DnsPart {
  private readonly options: MachineDnsOptions;
  private readonly names: NameTableHolder;
  private domainSuffix = defaultDomainSuffix;
  private running: { server: DnsServer; file: ResolvConfFile } | undefined;

  constructor(options: MachineDnsOptions) {
    this.options = options;
    this.names = new NameTableHolder(options.log);
  }

  /**
   * @throws LateenError LAT4301
   */
  async start(): Promise<void> {
    const { resolvConf, ...options } = this.options;
    const file = await ResolvConfFile.open({ ...options, ...(resolvConf === undefined ? {} : { path: resolvConf }) });
    const server = new DnsServer({
      ...options,
      table: this.names.current,
      domainSuffix: () => this.domainSuffix,
      upstreams: () => file.current().nameservers,
      searchDomains: () => file.current().searchDomains,
    });
    await server.start();
    this.running = { server, file };
  }

  /** Before or after `start`. The first workload's namespace is the one whose names need no namespace. */
  update(table: NameTable, machine: MachineConfig): void {
    this.domainSuffix = normalizeName(machine.domainSuffix) ?? defaultDomainSuffix;
    const namespace = machine.workloads[0]?.namespace ?? "";
    this.names.update(table, { namespace, domainSuffix: this.domainSuffix });
  }

  /** True while it answers. Names of the mesh also need a table; until it comes they are answered with SERVFAIL. */
  get ready(): boolean {
    return this.running !== undefined;
  }

  /** The port it listens on; 0 while it does not. */
  get port(): number {
    return this.running?.server.port ?? 0;
  }

  async describe(): Promise<unknown> {
    const conf = this.running?.file.current();
    return {
      listening: this.running !== undefined,
      port: this.port,
      names: this.names.current()?.size ?? 0,
      domainSuffix: this.domainSuffix,
      resolvers: conf?.nameservers.map(formatUpstream) ?? [],
      searchDomains: conf?.searchDomains ?? [],
    };
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    await running?.server.stop();
  }
}
