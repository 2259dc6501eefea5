// What one proxy's own workload takes in: the inbound half of its view.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Source } from "../collection/source.ts";
import { authorizationFor } from "./authorization.ts";
import { type InboundView, inboundView } from "./inbound-view.ts";
import type { Mesh } from "./mesh.ts";
import { defaultMeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { effectivePeerAuthentication } from "./peer-authentication.ts";
import type { ProxyWorkload } from "./proxy-workload.ts";
import { inboundServices } from "./service-instance.ts";

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
        mesh.serviceInstances.written,
        mesh.serviceInstances.selecting,
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
        const services = inboundServices(mesh.serviceInstances, proxy, registered, read);
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
