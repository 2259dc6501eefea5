// The machine's DNS server, made when the machine's own mesh is known.
import type { NameTable } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import type { MachineConfig } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { DnsServer } from "../agent/dns/dns-server.ts";
import { NameTableHolder } from "../agent/dns/name-table-holder.ts";
import { ResolvConfFile } from "../agent/dns/resolv-conf-file.ts";
import type { DnsPart } from "../agent/parts.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Metrics } from "../kernel/metric.ts";
import type { Random } from "../kernel/random.ts";

export interface MachineDnsOptions {
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

export class MachineDns implements DnsPart {
  private readonly options: MachineDnsOptions;
  private latest: { table: NameTable; machine: MachineConfig } | undefined;
  private holder: NameTableHolder | undefined;
  private server: DnsServer | undefined;
  private resolvers: ResolvConfFile | undefined;

  constructor(options: MachineDnsOptions) {
    this.options = options;
  }

  get ready(): boolean {
    return this.server !== undefined && this.holder?.current() !== undefined;
  }

  async start(): Promise<void> {
    const { clock, log } = this.options;
    const resolvers = await ResolvConfFile.open({ clock, log });
    this.resolvers = resolvers;
    const machine = this.latest?.machine;
    const domainSuffix = machine?.domainSuffix || "cluster.local";
    const holder = new NameTableHolder({ namespace: machine?.workloads[0]?.namespace ?? "", domainSuffix, log });
    this.holder = holder;
    if (this.latest !== undefined) holder.update(this.latest.table);
    const server = new DnsServer({
      ...this.options,
      table: holder.current,
      domainSuffix,
      upstreams: () => resolvers.current().nameservers,
      searchDomains: () => resolvers.current().searchDomains,
    });
    await server.start();
    this.server = server;
  }

  update(table: NameTable, machine: MachineConfig): void {
    this.latest = { table, machine };
    this.holder?.update(table);
  }

  async describe(): Promise<unknown> {
    const resolvers = this.resolvers?.current();
    return {
      port: this.server?.port,
      names: this.holder?.current()?.size ?? 0,
      upstreams: resolvers?.nameservers.map(({ address }) => address) ?? [],
      searchDomains: resolvers?.searchDomains ?? [],
    };
  }

  async stop(): Promise<void> {
    await this.server?.stop();
  }
}
