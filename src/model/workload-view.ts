// What one proxy's own workload takes in: the inbound half of its view.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Source } from "../collection/source.ts";
import { matchesLabels } from "../config/selector.ts";
import type { ServiceEntry } from "../config/service-entry/service-entry.ts";
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
        const { rootNamespace, proxyInboundListenPort } =
          read.get(mesh.settings, meshSettingsKey) ?? defaultMeshSettings;
        const registered = proxy.addresses.flatMap(
          (address) => read.get(mesh.workloadsByAddress, `${proxy.namespace}/${address}`) ?? [],
        );
        const services = (read.get(mesh.servicesByNamespace, proxy.namespace) ?? []).flatMap((service) =>
          inboundServices(service, proxy, registered),
        );
        const own = read.get(mesh.peerAuthentications, proxy.namespace) ?? [];
        const root =
          proxy.namespace === rootNamespace ? own : (read.get(mesh.peerAuthentications, rootNamespace) ?? []);
        const policies = new Set([
          ...(read.get(mesh.authorizationPolicies, rootNamespace) ?? []),
          ...(read.get(mesh.authorizationPolicies, proxy.namespace) ?? []),
        ]);
        const authentication = effectivePeerAuthentication({ own, root }, proxy.labels);
        const authorization = authorizationFor([...policies], proxy.labels);
        return [[key, inboundView(proxy, services, authentication, authorization, proxyInboundListenPort)]];
      },
    });
    this.inbound = this.derived;
  }

  dispose(): void {
    this.derived.dispose();
  }
}

/**
 * The ways in which the service has the machine as an endpoint: through each workload at its address that a selector
 * chooses, through the machine's own labels where there is none, and through each endpoint written with its address.
 */
function inboundServices(service: Service, proxy: ProxyWorkload, registered: readonly Workload[]): InboundService[] {
  return service.entries.flatMap((entry) =>
    instancesOf(entry.spec, proxy, registered).map(({ ports }) => ({
      service,
      ports: listeningPorts(entry, ports ?? {}),
    })),
  );
}

/** One machine may run several instances, at ports of their own. */
function instancesOf(
  spec: ServiceEntry,
  proxy: ProxyWorkload,
  registered: readonly Workload[],
): readonly { readonly ports?: Readonly<Record<string, number>> }[] {
  if (spec.endpoints !== undefined) {
    return spec.endpoints.filter(({ address = "" }) => proxy.addresses.includes(canonicalAddress(address)));
  }
  const labels = spec.workloadSelector?.labels;
  if (labels === undefined) return [];
  const known = registered.filter((workload) => matchesLabels(labels, workload.labels));
  if (known.length > 0) return known;
  return matchesLabels(labels, proxy.labels) ? [proxy] : [];
}
