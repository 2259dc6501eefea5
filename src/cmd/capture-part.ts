// Traffic capture of a machine, from what the control plane says of it.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Capture as CaptureSettings, MachineConfig } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { ResolvConfFile } from "../agent/dns/resolv-conf-file.ts";
import type { CapturePart } from "../agent/parts.ts";
import { Capture } from "../capture/capture.ts";
import type { CapturePlan, ExemptEndpoint } from "../capture/capture-plan.ts";
import { CaptureWatch } from "../capture/capture-watch.ts";
import { detectBackend } from "../capture/detect-backend.ts";
import { planCapture } from "../capture/plan-capture.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";

/** Istio's user and group of the proxy. */
const proxyId = 1337;
const dnsPort = 15053;

export interface MachineCaptureOptions {
  clock: Clock;
  log: Log;
  /** Where the control plane is now; its address is never captured. */
  controlPlane: () => { host: string; port: number } | undefined;
  ipv6: boolean;
  /** False: the rules stay when the agent stops, so that a restart loses nothing. */
  removeOnStop: boolean;
}

export class MachineCapture implements CapturePart {
  private readonly options: MachineCaptureOptions;
  private readonly capture: Capture;
  private readonly watch: CaptureWatch;

  /** @throws LateenError LAT4105 where the machine has neither nft nor iptables */
  constructor(options: MachineCaptureOptions) {
    const { clock, log } = options;
    this.options = options;
    this.capture = new Capture({ backend: detectBackend(), clock, log });
    this.watch = new CaptureWatch({ capture: this.capture, clock, log });
  }

  async apply(machine: MachineConfig): Promise<void> {
    await this.capture.install(await this.plan(machine), []);
  }

  async describe(): Promise<unknown> {
    const { state } = this.capture;
    return {
      state: state.kind,
      check: (await this.capture.check()).kind,
      ...(state.kind === "absent" ? {} : { plan: state.plan }),
    };
  }

  async stop(): Promise<void> {
    await this.watch.stop();
    if (this.options.removeOnStop) await this.capture.remove();
    else await this.capture.stop();
  }

  private async plan(machine: MachineConfig): Promise<CapturePlan> {
    const { clock, log, ipv6 } = this.options;
    const resolvers = (await ResolvConfFile.open({ clock, log })).current().nameservers;
    // One Envoy serves all workloads of the machine: what any of them excludes is excluded.
    const settings = machine.workloads.map((workload) => workload.capture).filter((capture) => capture !== undefined);
    const all = <T>(take: (capture: CaptureSettings) => readonly T[]): T[] => [...new Set(settings.flatMap(take))];
    const included = all((capture) => capture.includeInboundPorts);
    const capturesDns = settings.some((capture) => capture.captureDns) && resolvers.length > 0;
    return planCapture({
      proxyUid: proxyId,
      proxyGid: proxyId,
      ...(capturesDns ? { dnsPort, nameservers: resolvers.map(({ address }) => address) } : {}),
      includeInboundPorts: included.length === 0 ? "*" : included,
      excludeInboundPorts: all((capture) => capture.excludeInboundPorts),
      excludeOutboundPorts: all((capture) => capture.excludeOutboundPorts),
      excludeOutboundCidrs: all((capture) => capture.excludeOutboundCidrs),
      controlPlane: await this.controlPlaneEndpoints(),
      ipv6,
    });
  }

  private async controlPlaneEndpoints(): Promise<ExemptEndpoint[]> {
    const place = this.options.controlPlane();
    if (place === undefined) return [];
    if (isIP(place.host) !== 0) return [{ address: place.host, port: place.port }];
    const addresses = await lookup(place.host, { all: true });
    return addresses.map(({ address }) => ({ address, port: place.port }));
  }
}

/** Takes away whatever capture a stopped agent left. */
export async function removeCapture(clock: Clock, log: Log): Promise<void> {
  await new Capture({ backend: detectBackend(), clock, log }).remove();
}
