// What one proxy's own workload takes in: the inbound half of its view.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Source } from "../collection/source.ts";
import { matchesLabels } from "../config/selector.ts";
import { authorizationFor } from "./authorization.ts";
import { type InboundView, inboundView, type ProxyWorkload } from "./inbound-view.ts";
import type { Mesh } from "./mesh.ts";
import { defaultMeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { effectivePeerAuthentication } from "./peer-authentication.ts";
import type { Service } from "./service.ts";

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
      uses: [mesh.servicesByNamespace, mesh.peerAuthentications, mesh.authorizationPolicies, mesh.settings],
      derive: (proxy, key, read) => {
        const { rootNamespace } = read.get(mesh.settings, meshSettingsKey) ?? defaultMeshSettings;
        const services = (read.get(mesh.servicesByNamespace, proxy.namespace) ?? []).filter((service) =>
          selects(service, proxy),
        );
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

/** The service has the workload as an endpoint: by selector, or because its address is written in the ServiceEntry. */
function selects(service: Service, proxy: ProxyWorkload): boolean {
  return service.entries.some((entry) =>
    entry.spec.endpoints === undefined
      ? entry.spec.workloadSelector?.labels !== undefined &&
        matchesLabels(entry.spec.workloadSelector.labels, proxy.labels)
      : entry.spec.endpoints.some(
          (endpoint) => endpoint.address !== undefined && proxy.addresses.includes(endpoint.address),
        ),
  );
}
