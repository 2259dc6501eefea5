// The machine's side: `lateen join` and `lateen agent`.
import { hostname, networkInterfaces } from "node:os";
import { Agent } from "../agent/agent.ts";
import { type AgentLock, runningAgent, takeAgentLock } from "../agent/agent-lock.ts";
import { type AgentSettings, defaultSettings, proxyOwner } from "../agent/agent-settings.ts";
import { type ControlPlaneAddress, parseControlPlaneAddress } from "../agent/control-plane/control-plane-address.ts";
import { MachineDns } from "../agent/dns/machine-dns.ts";
import { agentErrors } from "../agent/errors.ts";
import { reachableAddresses, withSteadyAddresses } from "../agent/machine-network.ts";
import { kernelHasIpv6 } from "../capture/inet6-addresses.ts";
import type { AgentOptions, JoinOptions } from "../cli/cli-deps.ts";
import { untilAborted } from "../kernel/abort.ts";
import { systemClock } from "../kernel/clock.ts";
import { createLog, type Log } from "../kernel/log.ts";
import { Metrics } from "../kernel/metric.ts";
import { systemRandom } from "../kernel/random.ts";
import { MachineCapture } from "./capture-part.ts";
import type { CommandContext } from "./context.ts";
import { retryBusy } from "./retry-busy.ts";
import { runFolderOf } from "./run-folder.ts";
import { installUnit, planUnit, unitProcess } from "./systemd-unit.ts";
import { waitForUnit } from "./unit-agent.ts";

/** How often a machine that is not ready is asked why, milliseconds. */
const obstacleIntervalMs = 2000;

/** `lateen join`: proof, identity, Envoy, capture, DNS, readiness. */
export function joinMachine(context: CommandContext): (options: JoinOptions) => Promise<number> {
  return async (options) => {
    const startMs = systemClock.monotonic();
    const envoy = options.envoy ?? context.env["LATEEN_ENVOY"];
    const unit = options.foreground ? undefined : planUnit(options.dataDir, envoy);
    const folder = runFolderOf(context, options.dataDir);
    const running = runningAgent(folder);
    // The unit starts again with the new identity; another agent would go on with the old one.
    if (unit !== undefined && running !== undefined && running !== (await unitProcess())) {
      throw agentErrors.runsAlready(`an agent runs on this machine already, process ${running}`);
    }
    const lock = unit === undefined ? takeLock(folder) : undefined;
    const log = createLog("warn");
    const controlPlane = parseControlPlaneAddress(options.url.href);
    const agent = makeAgent(context, options, log, controlPlane);
    try {
      const join = () => agent.join(controlPlane, options.token, options.name ?? machineName());
      const { spiffeId } = await retryBusy(join, { signal: context.signal });
      const report = ({ services = 0 }: { services?: number }): void => {
        const seconds = ((systemClock.monotonic() - startMs) / 1000).toFixed(1);
        const visible = `${services} ${services === 1 ? "service" : "services"} visible`;
        console.log(`you are ${spiffeId}, ${visible}, ready after ${seconds} s`);
      };
      if (unit !== undefined) {
        await agent.stop();
        await installUnit(unit);
        const status = await waitForUnit(systemClock, context.signal, tellObstacles);
        if (status !== undefined) report(status);
        return status === undefined ? 130 : 0;
      }
      await agent.start();
      const ended = untilAborted(context.signal);
      const quiet = followObstacles(agent);
      const ready = await Promise.race([agent.whenReady(), ended.then(() => undefined)]);
      quiet();
      if (ready !== undefined) report(ready);
      await ended;
      return 0;
    } finally {
      await agent.stop();
      lock?.release();
    }
  };
}

/** `lateen agent`: what the unit runs, with the identity that `join` stored. */
export function runMachine(context: CommandContext): (options: AgentOptions) => Promise<number> {
  return async (options) => {
    const lock = takeLock(runFolderOf(context, options.dataDir));
    const agent = makeAgent(context, options, createLog("info"), undefined);
    try {
      await agent.start();
      await untilAborted(context.signal);
      return 0;
    } finally {
      await agent.stop();
      lock.release();
    }
  };
}

function takeLock(folder: string): AgentLock {
  return takeAgentLock({ runFolder: folder, self: process.getuid?.() ?? 0 }, process.pid);
}

function makeAgent(
  context: CommandContext,
  options: { dataDir: string; envoy?: string },
  log: Log,
  controlPlane: ControlPlaneAddress | undefined,
): Agent {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    // Capture leaves the proxy's group alone, so the agent's own connections and DNS queries are not caught in it.
    process.setgroups?.([proxyOwner.gid]);
    process.setgid?.(proxyOwner.gid);
  }
  const settings: AgentSettings = {
    ...defaultSettings,
    dataFolder: options.dataDir,
    runFolder: runFolderOf(context, options.dataDir),
    network: withSteadyAddresses(() => ({
      addresses: reachableAddresses(networkInterfaces()),
      ipv6: kernelHasIpv6(),
    })),
    ...(options.envoy === undefined ? {} : { envoy: options.envoy }),
    self: process.getuid?.() ?? 0,
    runAs: isRoot ? proxyOwner : undefined,
    agentVersion: context.version,
  };
  const parts = { clock: systemClock, random: systemRandom, log, metrics: new Metrics() };
  parts.metrics.collectProcess();
  const agent: Agent = new Agent({
    ...parts,
    settings,
    env: context.env,
    onOutput: (line) => process.stdout.write(`${line}\n`),
    sendSignal: (pid, signal) => process.kill(pid, signal),
    dns: new MachineDns(parts),
    ...(isRoot
      ? {
          capture: new MachineCapture({
            clock: systemClock,
            log,
            controlPlane: () => controlPlane ?? storedControlPlane(agent),
            removeOnStop: true,
          }),
        }
      : {}),
  });
  if (!isRoot) log.warn("traffic is not captured: that needs root");
  return agent;
}

function storedControlPlane(agent: Agent): ControlPlaneAddress | undefined {
  const address = agent.status?.controlPlane.address;
  return address === undefined ? undefined : parseControlPlaneAddress(address);
}

/** Says what a machine that is not ready waits for, whenever that changes. */
function followObstacles(agent: Agent): () => void {
  let told = "";
  return systemClock.every(obstacleIntervalMs, () => {
    const obstacles = agent.status?.obstacles.join("; ") ?? "";
    if (obstacles === told) return;
    told = obstacles;
    if (obstacles !== "") tellObstacles(obstacles);
  });
}

function tellObstacles(obstacles: string): void {
  console.error(`not ready yet: ${obstacles}`);
}

/** The host name's first label, as far as it can be part of a node id. */
function machineName(): string {
  const label = (hostname().split(".")[0] ?? "").toLowerCase().replace(/[^a-z0-9-]/g, "-");
  return label.replace(/^-+|-+$/g, "") || "machine";
}
