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
import { kernelHasIpv6 } from "../capture/inet6-addresses.ts";
import { PassthroughAddress } from "../capture/passthrough-address.ts";
import { planCapture } from "../capture/plan-capture.ts";
import type { Cancel, Clock } from "../kernel/clock.ts";
import { sameData } from "../kernel/equal.ts";
import type { Log } from "../kernel/log.ts";

/** Istio's user and group of the proxy. */
const proxyId = 1337;
const dnsPort = 15053;

/** Polled, for what has no event: addresses of interfaces, and resolv.conf, which DHCP clients change. */
const lookEveryMs = 5_000;

export interface MachineCaptureOptions {
  clock: Clock;
  log: Log;
  /** Where the control plane is now; its address is never captured. */
  controlPlane: () => { host: string; port: number } | undefined;
  /** False: the rules stay when the agent stops, so that a restart loses nothing. */
  removeOnStop: boolean;
}

/** What the plan depends on beside the machine's configuration. */
interface Surroundings {
  readonly ipv6: boolean;
  readonly resolvers: readonly string[];
}

export class MachineCapture implements CapturePart {
  private readonly options: MachineCaptureOptions;
  private readonly capture: Capture;
  private readonly watch: CaptureWatch;
  private readonly passthrough: PassthroughAddress;
  private readonly staleListeners = new Set<() => void>();
  private resolvConf: ResolvConfFile | undefined;
  /** What it was when capture was last applied. */
  private applied: Surroundings | undefined;
  private readonly cancelLook: Cancel;
  private looking: Promise<void> | undefined;

  /** @throws LateenError LAT4105 where the machine has neither nft nor iptables */
  constructor(options: MachineCaptureOptions) {
    const { clock, log } = options;
    this.options = options;
    this.capture = new Capture({ backend: detectBackend(), clock, log });
    this.watch = new CaptureWatch({ capture: this.capture, clock, log });
    this.passthrough = new PassthroughAddress({ log });
    this.cancelLook = clock.every(lookEveryMs, () => {
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    });
  }

  async apply(machine: MachineConfig): Promise<void> {
    const surroundings = await this.surroundings();
    this.applied = surroundings;
    // Before anything is sent to Envoy that it could not pass on.
    if (surroundings.ipv6) await this.passthrough.ensure();
    await this.capture.install(await this.plan(machine, surroundings), []);
  }

  onStale(listener: () => void): () => void {
    this.staleListeners.add(listener);
    return () => this.staleListeners.delete(listener);
  }

  async describe(): Promise<unknown> {
    const { state } = this.capture;
    return {
      state: state.kind,
      check: (await this.capture.check()).kind,
      passthroughAddress: await this.passthrough.state(),
      ...(state.kind === "absent" ? {} : { plan: state.plan }),
    };
  }

  async stop(): Promise<void> {
    this.cancelLook();
    await this.looking;
    await this.watch.stop();
    if (this.options.removeOnStop) await this.capture.remove();
    else await this.capture.stop();
  }

  async release(): Promise<void> {
    if (this.options.removeOnStop) await this.passthrough.remove();
  }

  private async look(): Promise<void> {
    const { applied } = this;
    if (applied === undefined) return;
    const now = await this.surroundings();
    // Addresses come, and whoever switches IPv6 off and on takes ours away.
    if (now.ipv6) await this.passthrough.ensure();
    if (sameData(now, applied)) return;
    for (const listener of this.staleListeners) listener();
  }

  private async surroundings(): Promise<Surroundings> {
    const { clock, log } = this.options;
    this.resolvConf ??= await ResolvConfFile.open({ clock, log });
    await this.resolvConf.refresh();
    return {
      ipv6: kernelHasIpv6(),
      resolvers: this.resolvConf.current().nameservers.map(({ address }) => address),
    };
  }

  private async plan(machine: MachineConfig, { ipv6, resolvers }: Surroundings): Promise<CapturePlan> {
    // One Envoy serves all workloads of the machine: what any of them excludes is excluded.
    const settings = machine.workloads.map((workload) => workload.capture).filter((capture) => capture !== undefined);
    const all = <T>(take: (capture: CaptureSettings) => readonly T[]): T[] => [...new Set(settings.flatMap(take))];
    const included = all((capture) => capture.includeInboundPorts);
    const capturesDns = settings.some((capture) => capture.captureDns) && resolvers.length > 0;
    // The same for all of them: they are the mesh's.
    const { outboundPort = 0, inboundPort = 0 } = settings[0] ?? {};
    return planCapture({
      ...(outboundPort === 0 ? {} : { outboundPort }),
      ...(inboundPort === 0 ? {} : { inboundPort }),
      proxyUid: proxyId,
      proxyGid: proxyId,
      ...(capturesDns ? { dnsPort, nameservers: resolvers } : {}),
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
  await new PassthroughAddress({ log }).remove();
}
