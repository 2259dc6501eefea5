// PeerAuthentication.spec.selector, MeshConfig.rootNamespace → the workloads that have the mode
//
// The mutual TLS mode that holds for one port of one workload.
import type { Config } from "../config/object.ts";
import type { PeerAuthentication } from "../config/peer-authentication/peer-authentication.ts";
import { matchesLabels } from "../config/selector.ts";
import { byAge } from "./source-ref.ts";

export type MtlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

/** Policies that may hold for a namespace: its own and the root namespace's. */
export interface PeerAuthenticationInputs {
  own: readonly Config<PeerAuthentication>[];
  root: readonly Config<PeerAuthentication>[];
}

/** What holds for a workload: a mode, and other modes for single ports. */
export interface EffectivePeerAuthentication {
  readonly mode: MtlsMode;
  readonly ports: Readonly<Record<number, MtlsMode>>;
  readonly policies: readonly Config<PeerAuthentication>[];
}

/**
 * Workload before namespace before mesh; the oldest of equals; UNSET asks the next wider (Istio's precedence). Without any
 * policy the mode is PERMISSIVE.
 */
export function effectivePeerAuthentication(
  inputs: PeerAuthenticationInputs,
  labels: Readonly<Record<string, string>>,
): EffectivePeerAuthentication {
  const hasSelector = (config: Config<PeerAuthentication>): boolean =>
    Object.keys(config.spec.selector?.matchLabels ?? {}).length > 0;
  const oldest = (configs: readonly Config<PeerAuthentication>[]) => [...configs].sort(byAge)[0];
  const meshWide = oldest(inputs.root.filter((config) => !hasSelector(config)));
  const namespaceWide = oldest(inputs.own.filter((config) => !hasSelector(config)));
  const workload = oldest(
    inputs.own.filter((config) => hasSelector(config) && matchesLabels(config.spec.selector?.matchLabels, labels)),
  );
  let mode: MtlsMode = "PERMISSIVE";
  for (const config of [meshWide, namespaceWide, workload]) mode = modeOf(config?.spec.mtls?.mode, mode);
  const ports: Record<number, MtlsMode> = {};
  for (const [port, setting] of Object.entries(workload?.spec.portLevelMtls ?? {})) {
    ports[Number(port)] = modeOf(setting.mode, mode);
  }
  return { mode, ports, policies: [meshWide, namespaceWide, workload].filter((config) => config !== undefined) };
}

function modeOf(word: string | undefined, wider: MtlsMode): MtlsMode {
  return word === "DISABLE" || word === "PERMISSIVE" || word === "STRICT" ? word : wider;
}
