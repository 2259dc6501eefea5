// What one proxy's own workload takes in: the inbound half of its view.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Source } from "../collection/source.ts";
import { matchesLabels } from "../config/selector.ts";
import { canonicalAddress } from "../kernel/canonical-address.ts";
import { authorizationFor } from "./authorization.ts";
import { type InboundService, type InboundView, inboundView, type ProxyWorkload } from "./inbound-view.ts";
import type { Mesh } from "./mesh.ts";
import { defaultMeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { effectivePeerAuthentication } from "./peer-authentication.ts";
import { listeningPorts, type Service } from "./service.ts";
import type { Workload } from "./workload.ts";

/** The one key of the collection. */
export const inboundKey = "inbound";

export class WorkloadView {
  readonly inbound: Collection<InboundView>;
  private readonly derived: Derived<ProxyWorkload, InboundView>;

  constructor(mesh: Mesh, graph: ConstructorParameters<typeof Source<ProxyWorkload>>[0], workload: ProxyWorkload) {
    const self = new Source<ProxyWorkload>(graph, `workload(${workload.namespace}/${workload.name})`);
    self.set(inboundKey, workload);
    this.derived = new Derived<ProxyWorkload, InboundView>({
      name: `inbound(${workload.namespace}/${workload.name})`,
      from: self,
      uses: [
        mesh.servicesByNamespace,
        mesh.workloadsByAddress,
        mesh.peerAuthentications,
        mesh.authorizationPolicies,
        mesh.settings,
      ],
      derive: (proxy, key, read) => {
        const { rootNamespace } = read.get(mesh.settings, meshSettingsKey) ?? defaultMeshSettings;
        const registered = proxy.addresses.flatMap(
          (address) => read.get(mesh.workloadsByAddress, `${proxy.namespace}/${address}`) ?? [],
        );
        const services = (read.get(mesh.servicesByNamespace, proxy.namespace) ?? [])
          .map((service) => inboundService(service, proxy, registered))
          .filter((service) => service !== undefined);
        const own = read.get(mesh.peerAuthentications, proxy.namespace) ?? [];
        const root =
          proxy.namespace === rootNamespace ? own : (read.get(mesh.peerAuthentications, rootNamespace) ?? []);
        const policies = new Set([
          ...(read.get(mesh.authorizationPolicies, rootNamespace) ?? []),
          ...(read.get(mesh.authorizationPolicies, proxy.namespace) ?? []),
        ]);
        const authentication = effectivePeerAuthentication({ own, root }, proxy.labels);
        return [[key, inboundView(proxy, services, authentication, authorizationFor([...policies], proxy.labels))]];
      },
    });
    this.inbound = this.derived;
  }

  dispose(): void {
    this.derived.dispose();
  }
}

/**
 * The service has the workload as an endpoint: its selector chooses the machine or what is registered at its address, or the
 * address is written in the ServiceEntry.
 */
function inboundService(
  service: Service,
  proxy: ProxyWorkload,
  registered: readonly Workload[],
): InboundService | undefined {
  for (const entry of service.entries) {
    const { spec } = entry;
    const listening = (own: Readonly<Record<string, number>> = {}): InboundService => ({
      service,
      ports: listeningPorts(entry, { ...proxy.ports, ...own }),
    });
    if (spec.endpoints !== undefined) {
      const written = spec.endpoints.find(({ address = "" }) => proxy.addresses.includes(canonicalAddress(address)));
      if (written !== undefined) return listening(written.ports);
      continue;
    }
    const labels = spec.workloadSelector?.labels;
    if (labels === undefined) continue;
    const known = registered.find((workload) => matchesLabels(labels, workload.labels));
    if (known !== undefined) return listening(known.ports);
    if (matchesLabels(labels, proxy.labels)) return listening();
  }
  return undefined;
}
