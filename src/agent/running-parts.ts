// What exists while the agent runs.
import type { MachineConfig } from "../../gen/lateen/agent/v1/agent_pb.ts";
import type { CaptureKeeper } from "./capture-keeper.ts";
import type { AdsLink } from "./control-plane/ads-link.ts";
import type { EnvoyProcess } from "./envoy/envoy-process.ts";
import type { ResolvedEnvoy } from "./envoy/resolve-envoy.ts";
import type { StoredMachine } from "./stored-machine.ts";
import type { XdsRelay } from "./xds-relay/xds-relay.ts";

export interface RunningParts {
  machine: StoredMachine;
  resolved: ResolvedEnvoy;
  relay: XdsRelay;
  link: AdsLink;
  envoy: EnvoyProcess;
  capture: CaptureKeeper | undefined;
  config: MachineConfig;
  /** Undefined until the control plane has told, or what it told was read from disk. */
  services?: number;
}
