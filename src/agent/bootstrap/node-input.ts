// The machine's stored configuration → what its node says.
import type { AgentSettings } from "../agent-settings.ts";
import type { EnvoyVersion } from "../envoy/envoy-version.ts";
import type { StoredMachine } from "../stored-machine.ts";
import type { NodeInput } from "./node.ts";

/** Of several workloads the first one speaks for the machine. */
export function nodeInputOf(
  machine: StoredMachine,
  settings: AgentSettings,
  extras: { envoy: EnvoyVersion; capabilities: readonly string[]; answersDns: boolean },
): NodeInput {
  const { config, name } = machine;
  const [workload] = config.workloads;
  const { addresses, ipv6 } = settings.network();
  return {
    name,
    namespace: workload?.namespace ?? "default",
    serviceAccount: workload?.serviceAccount ?? "default",
    addresses,
    domainSuffix: config.domainSuffix === "" ? "cluster.local" : config.domainSuffix,
    trustDomain: config.trustDomain,
    meshId: config.meshId,
    group: workload?.group ?? "",
    labels: workload?.labels ?? {},
    ports: workload?.ports ?? {},
    locality: workload?.locality ?? "",
    network: workload?.network ?? "",
    clusterId: config.clusterId,
    dnsCapture: extras.answersDns && workload?.capture?.captureDns !== false,
    statusPort: settings.ports.status,
    prometheusPort: settings.ports.prometheus,
    agentVersion: settings.agentVersion,
    capabilities: [...extras.capabilities, ...(ipv6 ? ["ipv6"] : [])],
    envoy: extras.envoy,
  };
}
