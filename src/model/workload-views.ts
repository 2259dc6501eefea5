// What each connected proxy's own workload takes in: the inbound half of its view.
//
// All workloads are one collection, so that a change is looked at by those that it concerns.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import type { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import { authorizationFor } from "./authorization.ts";
import { type InboundView, inboundView } from "./inbound-view.ts";
import type { Mesh } from "./mesh.ts";
import { defaultMeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { effectivePeerAuthentication } from "./peer-authentication.ts";
import type { ProxyWorkload } from "./proxy-workload.ts";
import { inboundServices } from "./service-instance.ts";

export class WorkloadViews {
  /** By the key that the workload was put under. */
  readonly inbound: Collection<InboundView>;
  private readonly workloads: Source<ProxyWorkload>;

  constructor(mesh: Mesh, graph: Graph) {
    this.workloads = new Source<ProxyWorkload>(graph, "proxy-workloads");
    this.inbound = new Derived<ProxyWorkload, InboundView>({
      name: "inbound",
      from: this.workloads,
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
  }

  put(key: string, workload: ProxyWorkload): void {
    this.workloads.set(key, workload);
  }

  delete(key: string): void {
    this.workloads.delete(key);
  }
}
