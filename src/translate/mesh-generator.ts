// The Generator of the mesh: gives each client the resources of its scope and of its own workload.
import type { Collection } from "../collection/collection.ts";
import type { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import { contentHash } from "../kernel/hash.ts";
import type { Mesh } from "../model/mesh.ts";
import type { ProxyWorkload } from "../model/proxy-workload.ts";
import { type Scope, scopeKey } from "../model/scope.ts";
import { ScopeView } from "../model/scope-view.ts";
import { WorkloadView } from "../model/workload-view.ts";
import type { ClientView, Generator, ResourceSet, XdsClient } from "../xds/generator.ts";
import type { NodeInfo } from "../xds/node-info.ts";
import type { Resource } from "../xds/resource.ts";
import { endpointUses } from "./eds/encoded-load-assignment.ts";
import { InternedResources } from "./interned.ts";
import { hasIpv6Address, proxyWorkloadOf, takesIpv6 } from "./proxy-workload.ts";
import { ScopeResources } from "./scope-resources.ts";
import { type Quarantine, type ResourceSets, ServedHalf } from "./served-half.ts";
import { ViewSet } from "./view-set.ts";
import { WorkloadResources } from "./workload-resources.ts";

/** Something that several clients share, freed with the last of them. */
interface Shared<T> {
  readonly value: T;
  users: number;
}

/** Names of clients of one scope that `inspect` tells. */
const shownClients = 20;

interface Half {
  /** What those that share it have in common. */
  readonly about: unknown;
  readonly sets: ResourceSets;
  dispose(): void;
}

export class MeshGenerator implements Generator {
  private readonly mesh: Mesh;
  private readonly graph: Graph;
  private readonly interned = new InternedResources();
  private readonly scopes = new Map<string, Shared<Half>>();
  private readonly workloads = new Map<string, Shared<Half>>();
  /** Scopes and workloads as proxies of one Envoy version get them. */
  private readonly served = new Map<string, Shared<Half>>();
  private readonly quarantine: Quarantine | undefined;
  private readonly clients = new Set<MeshClientView>();
  private readonly turns: Source<number>;
  private readonly ends: readonly (() => void)[];
  private waiting: (() => void)[] = [];

  /** @param quarantine decides what is served in place of what proxies reject; without it everybody gets everything */
  constructor(mesh: Mesh, graph: Graph, quarantine?: Quarantine) {
    this.mesh = mesh;
    this.quarantine = quarantine;
    this.graph = graph;
    this.turns = new Source<number>(graph, "rescope-turns");
    this.ends = [
      this.turns.subscribe(() => {
        const due = this.waiting;
        this.waiting = [];
        for (const work of due) work();
      }),
      // The label keys that rules ask for decide which proxies are alike.
      mesh.sourceLabelKeys.subscribe(() => {
        for (const client of this.clients) client.prepareScope();
        // A new scope is filled in the next turn and told of at its end; clients move when that is over, so that they see
        // the difference between two whole scopes and never an empty one.
        this.inNextTurn(() => this.inNextTurn(() => this.moveClients()));
      }),
    ];
  }

  /** Frees what the generator itself holds of the graph; its clients must be closed. */
  dispose(): void {
    for (const end of this.ends) end();
  }

  private inNextTurn(work: () => void): void {
    this.waiting.push(work);
    this.turns.set("turn", (this.turns.get("turn") ?? 0) + 1);
  }

  private moveClients(): void {
    for (const client of [...this.clients]) client.moveToScope();
  }

  /** Scopes and workloads that clients use now. */
  get counts(): { scopes: number; workloads: number; clients: number; interned: number } {
    return {
      scopes: this.scopes.size,
      workloads: this.workloads.size,
      clients: this.clients.size,
      interned: this.interned.size,
    };
  }

  /** Scopes with some of who shares them, and caches; for people who look. */
  inspect() {
    const sharers = new Map<unknown, { users: number; proxies: string[] }>();
    for (const client of this.clients) {
      const known = sharers.get(client.about) ?? { users: 0, proxies: [] };
      sharers.set(client.about, known);
      known.users += 1;
      if (known.proxies.length < shownClients) known.proxies.push(client.name);
    }
    return {
      scopes: [...this.scopes].map(([key, { value }]) => ({
        ...{ key, scope: value.about, users: 0, proxies: [], ...sharers.get(value.about) },
        sizes: Object.fromEntries(
          [...value.sets].map(([typeUrl, parts]) => [
            typeUrl.slice(typeUrl.lastIndexOf(".") + 1),
            parts.reduce((sum, part) => sum + part.size, 0),
          ]),
        ),
      })),
      workloads: this.workloads.size,
      clients: this.clients.size,
      interned: this.interned.inspect(),
      endpoints: endpointUses(),
    };
  }

  get clusterId(): string {
    return this.mesh.clusterId;
  }

  open(client: XdsClient): ClientView {
    const view = new MeshClientView(this, client.node, (closed) => this.clients.delete(closed));
    this.clients.add(view);
    return view;
  }

  scopeOf(node: NodeInfo): Scope {
    const sourceLabels: Record<string, string> = {};
    for (const key of this.mesh.sourceLabelKeys.keys()) {
      const value = node.labels[key];
      if (value !== undefined) sourceLabels[key] = value;
    }
    return {
      namespace: node.namespace,
      autoAddresses: node.dnsCapture,
      sourceLabels,
      ipv6: takesIpv6(node),
      ipv6Names: hasIpv6Address(node),
    };
  }

  takeScope(scope: Scope, envoyVersion: string): { key: string; half: Half } {
    const key = scopeKey(scope);
    const make = (): Half => {
      const view = new ScopeView(this.mesh, scope);
      const resources = new ScopeResources(view, this.interned);
      return { about: scope, sets: resources.sets, dispose: () => [resources, view].map((part) => part.dispose()) };
    };
    return this.serve(this.scopes, { key, envoyVersion, make });
  }

  takeWorkload(workload: ProxyWorkload, envoyVersion: string): { key: string; half: Half } {
    const key = contentHash(JSON.stringify(workload));
    const make = (): Half => {
      const view = new WorkloadView(this.mesh, this.graph, workload);
      const resources = new WorkloadResources(view, this.mesh.settings);
      return { about: workload, sets: resources.sets, dispose: () => [resources, view].map((part) => part.dispose()) };
    };
    return this.serve(this.workloads, { key, envoyVersion, make });
  }

  /** Gives back what `takeScope` or `takeWorkload` gave. */
  release(key: string): void {
    release(this.served, key);
  }

  private serve(
    map: Map<string, Shared<Half>>,
    of: { key: string; envoyVersion: string; make: () => Half },
  ): { key: string; half: Half } {
    const { key, envoyVersion, make } = of;
    const servedKey = `${key} ${envoyVersion}`;
    const half = take(this.served, servedKey, () => {
      const made = take(map, key, make);
      const { quarantine } = this;
      const served =
        quarantine === undefined ? undefined : new ServedHalf(made.sets, { key, envoyVersion, quarantine });
      const dispose = (): void => {
        served?.dispose();
        release(map, key);
      };
      return { about: made.about, sets: served?.sets ?? made.sets, dispose };
    });
    return { key: servedKey, half };
  }
}

function take(map: Map<string, Shared<Half>>, key: string, make: () => Half): Half {
  let shared = map.get(key);
  if (shared === undefined) {
    shared = { value: make(), users: 0 };
    map.set(key, shared);
  }
  shared.users += 1;
  return shared.value;
}

function release(map: Map<string, Shared<Half>>, key: string): void {
  const shared = map.get(key);
  if (shared === undefined) return;
  shared.users -= 1;
  if (shared.users > 0) return;
  map.delete(key);
  shared.value.dispose();
}

class MeshClientView implements ClientView {
  private readonly generator: MeshGenerator;
  private readonly node: NodeInfo;
  private readonly onClose: (view: MeshClientView) => void;
  private readonly sets = new Map<string, ViewSet>();
  private readonly workload: { key: string; half: Half };
  private scope: { key: string; half: Half };
  /** Another scope that is being filled. */
  private next: { key: string; half: Half } | undefined;
  private closed = false;

  constructor(generator: MeshGenerator, node: NodeInfo, onClose: (view: MeshClientView) => void) {
    this.generator = generator;
    this.node = node;
    this.onClose = onClose;
    this.scope = generator.takeScope(generator.scopeOf(node), node.envoyVersion ?? "");
    this.workload = generator.takeWorkload(proxyWorkloadOf(node, generator.clusterId), node.envoyVersion ?? "");
  }

  get name(): string {
    return this.node.name;
  }

  /** The scope as a value; one object for all that share it. */
  get about(): unknown {
    return this.scope.half.about;
  }

  resources(typeUrl: string): ResourceSet {
    let set = this.sets.get(typeUrl);
    if (set === undefined) {
      set = new ViewSet(this.parts(typeUrl));
      this.sets.set(typeUrl, set);
    }
    return set;
  }

  prepareScope(): void {
    const before = this.next;
    this.next = this.generator.takeScope(this.generator.scopeOf(this.node), this.node.envoyVersion ?? "");
    if (before !== undefined) this.generator.release(before.key);
    for (const set of this.sets.values()) set.hold();
  }

  moveToScope(): void {
    if (this.next === undefined) return;
    const before = this.scope;
    this.scope = this.next;
    this.next = undefined;
    const moves = this.scope.key !== before.key;
    for (const [typeUrl, set] of this.sets) {
      if (moves) set.replace(this.parts(typeUrl));
      else set.release();
    }
    this.generator.release(before.key);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const set of this.sets.values()) set.detach();
    this.generator.release(this.scope.key);
    if (this.next !== undefined) this.generator.release(this.next.key);
    this.generator.release(this.workload.key);
    this.onClose(this);
  }

  /** The machine's own first: Envoy takes them in this order, and where two cannot both be, the first stays. */
  private parts(typeUrl: string): readonly Collection<Resource>[] {
    return [...(this.workload.half.sets.get(typeUrl) ?? []), ...(this.scope.half.sets.get(typeUrl) ?? [])];
  }
}
