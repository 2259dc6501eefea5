// What the command line is handed by the process around it.
import type { Clock } from "../kernel/clock.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Output } from "./terminal/terminal.ts";

export interface CliDeps {
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  /** All of standard input as UTF-8; the reader bounds it. */
  readStdin(): Promise<string>;
  clock: Clock;
  /** Aborted when the person presses Ctrl-C or the process is told to end. */
  signal: AbortSignal;
  /** Version of this program. */
  version: string;
  actions: CliActions;
}

/** Imports an implementation when its command is run, and not before. It resolves to the exit status. */
export type LazyAction<Options> = () => Promise<(options: Options) => Promise<number>>;

/** What the long-running commands do. The command line only reads their flags. */
export interface CliActions {
  up: LazyAction<UpOptions>;
  join: LazyAction<JoinOptions>;
  agent: LazyAction<AgentOptions>;
  leave: LazyAction<LeaveOptions>;
}

/** Absent fields were not typed: the implementation has the defaults. */
export interface UpOptions {
  dataDir: string;
  /** Folders of YAML that are watched, read-only. */
  configDirs: readonly string[];
  /** File with Istio's MeshConfig. */
  meshConfig?: string;
  /** Address that 15012 and 15014 listen on. */
  listen?: string;
  /** Address that the configuration API listens on. */
  apiListen?: string;
  /** Names and addresses that machines and people use for this control plane. */
  advertise: readonly string[];
  /** 0 takes a free port. */
  xdsPort?: number;
  apiPort?: number;
  metricsPort?: number;
  /** Lifetime of machines' certificates, milliseconds; istiod's DEFAULT_WORKLOAD_CERT_TTL. */
  workloadCertTtl?: number;
  /** Istio's 15010, off unless given. */
  xdsPlaintext?: { host: string; port: number };
}

export interface JoinOptions {
  /** `https://host:port` of the control plane; the port is given, 15012 by default. */
  url: URL;
  token: Secret<string>;
  /** Name of the machine; the implementation derives one where it is absent. */
  name?: string;
  /** Runs the agent in this process instead of installing a systemd unit. */
  foreground: boolean;
  dataDir: string;
  /** Path of the Envoy binary. */
  envoy?: string;
}

export interface AgentOptions {
  dataDir: string;
  envoy?: string;
}

export interface LeaveOptions {
  dataDir: string;
}

/** Where the agent keeps identity and cache unless told otherwise. */
export const agentDataDir = "/var/lib/lateen/agent";
