// Settings of the mesh that decide what is a mistake.
import { defaultListenPorts, type ListenPorts } from "../listener-port.ts";

/** MeshConfig.pathNormalization.normalization, as it is carried out. */
export type PathNormalization = "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";

export interface AnalysisSettings {
  /** By default `cluster.local`. */
  readonly domainSuffix: string;
  /** Namespace whose policies apply to the whole mesh; by default `istio-system`. */
  readonly rootNamespace: string;
  /** By default Istio's. */
  readonly listenPorts: ListenPorts;
  /** By default Istio's. */
  readonly pathNormalization: PathNormalization;
}

export const defaultAnalysisSettings: AnalysisSettings = {
  domainSuffix: "cluster.local",
  rootNamespace: "istio-system",
  listenPorts: defaultListenPorts,
  pathNormalization: "BASE",
};

/** Full name of a host that an object of `namespace` names. */
export function fullHost(host: string, namespace: string, { domainSuffix }: AnalysisSettings): string {
  const lower = host.toLowerCase().replace(/\.$/, "");
  return lower === "*" || lower.includes(".") ? lower : `${lower}.${namespace}.svc.${domainSuffix}`;
}
