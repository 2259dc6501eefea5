// What an agent is made of and what it reports.
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Metrics } from "../kernel/metric.ts";
import type { Random } from "../kernel/random.ts";
import type { AgentSettings } from "./agent-settings.ts";
import type { SendSignal } from "./envoy/stale-envoy.ts";
import type { CapturePart, DnsPart } from "./parts.ts";

export interface AgentOptions {
  settings: AgentSettings;
  /** `LATEEN_ENVOY` and `PATH` are read. */
  env: Readonly<Record<string, string | undefined>>;
  /** Without it names of the mesh are not answered on this machine. */
  dns?: DnsPart;
  /** Without it applications must be pointed at Envoy by hand. */
  capture?: CapturePart;
  /** Takes each line that Envoy prints: access logs that go to /dev/stdout. */
  onOutput?: (line: string) => void;
  sendSignal: SendSignal;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
}

/** Who the machine has become. */
export interface Joined {
  spiffeId: string;
  name: string;
}

/** What `lateen join` prints in the end. */
export interface ReadyReport {
  spiffeId: string;
  /** Names of services that this machine sees. */
  services: number;
  /** From the start of the agent, milliseconds. */
  readyAfterMs: number;
}
