// The Generator of the mesh: gives each client the resources of its scope and of its own workload.
import type { Collection } from "../collection/collection.ts";
import type { Graph } from "../collection/graph.ts";
import { Source } from "../collection/source.ts";
import type { Clock } from "../kernel/clock.ts";
import { sameData } from "../kernel/equal.ts";
import { contentHash } from "../kernel/hash.ts";
import type { Log } from "../kernel/log.ts";
import { RecentMap } from "../kernel/recent-map.ts";
import { SetMap } from "../kernel/set-map.ts";
import type { Slices } from "../kernel/slices.ts";
import { askedLabels } from "../model/caller-selector.ts";
import type { Mesh } from "../model/mesh.ts";
import type { ProxyWorkload } from "../model/proxy-workload.ts";
import { type Scope, scopeKey } from "../model/scope.ts";
import { WorkloadViews } from "../model/workload-views.ts";
import type { ClientView, Generator, XdsClient } from "../xds/generator.ts";
import type { NodeInfo } from "../xds/node-info.ts";
import { endpointUses } from "./eds/encoded-load-assignment.ts";
import type { Half } from "./half.ts";
import { deriveInboundContents, type InboundContent } from "./inbound-content.ts";
import { InternedResources } from "./interned.ts";
import { LabelledScopes } from "./labelled-scopes.ts";
import { type ClientHalves, MeshClientView } from "./mesh-client-view.ts";
import { hasIpv6Address, proxyWorkloadOf, takesIpv6 } from "./proxy-workload.ts";
import { type ScopeSets, Scopes } from "./scopes.ts";
import { type Quarantine, ServedHalf } from "./served-half.ts";
import { type Shared, SharedTable } from "./shared-table.ts";
import { workloadResources } from "./workload-resources.ts";

/** A scope without clients is kept for so long, milliseconds: an agent tries to come back about every 15 s. */
const lingerMs = 60_000;
/** Scopes without clients that are kept at most: each costs as much as one in use. */
const lingerLimit = 16;

/** Scopes that are known as used lately. */
const recentLimit = 16;

/** Names of clients of one scope that `inspect` tells. */
const shownClients = 20;

/** A scope as proxies of one Envoy version get it. */
export interface ServedScope {
  readonly scope: Scope;
  readonly envoyVersion: string;
}

interface ScopeHalf extends Half {
  readonly about: Scope;
  readonly kind: ScopeSets["kind"];
}

export interface MeshGeneratorOptions {
  /** Decides what is served in place of what proxies reject; without it everybody gets everything. */
  quarantine?: Quarantine;
  /** Where the first view of a scope is made, piece by piece; at once without. */
  slices?: Slices;
  /** A scope outlives its last client, so that a fleet that comes back at once finds it; without, it goes with the client. */
  clock?: Clock;
  /** Namespaces that have a view of their own, of those whose scopes have else the same traits: see `ScopesOptions`. */
  alone?: number;
  log?: Log;
  /** Told when proxies use a scope that nobody used before. */
  onScope?: () => void;
}

export class MeshGenerator implements Generator {
  private readonly mesh: Mesh;
  private readonly graph: Graph;
  private readonly options: MeshGeneratorOptions;
  private readonly interned = new InternedResources();
  private readonly scopeSets: Scopes;
  private readonly views: WorkloadViews;
  private readonly contents: Collection<InboundContent>;
  /** Halves as clients get them: those of scopes, which outlive their last client, and those of workloads, which do not. */
  private readonly scopeHalves: SharedTable<Half>;
  private readonly ownHalves = new SharedTable<Half>();
  /** What they are made of, where proxies of each Envoy version get their own. */
  private readonly madeHalves = new SharedTable<Half>();
  private readonly clients = new Set<MeshClientView>();
  private readonly clientsByWorkload = new SetMap<string, MeshClientView>();
  private readonly turns: Source<number>;
  private readonly ends: readonly (() => void)[];
  private waiting: (() => void)[] = [];
  private readonly warming = new Map<unknown, () => void>();
  private readonly scopes = new Set<ScopeHalf>();
  private readonly labelled: LabelledScopes;
  /** By key and Envoy version, the one that was taken last at the end. */
  private readonly servedScopes = new RecentMap<string, ServedScope>(recentLimit);

  constructor(mesh: Mesh, graph: Graph, options: MeshGeneratorOptions = {}) {
    this.mesh = mesh;
    this.graph = graph;
    this.options = options;
    const { clock, alone } = options;
    this.labelled = new LabelledScopes(options.log);
    this.scopeSets = new Scopes({ mesh, graph, interned: this.interned, ...(alone === undefined ? {} : { alone }) });
    this.scopeHalves = new SharedTable(clock === undefined ? undefined : { clock, ms: lingerMs, limit: lingerLimit });
    this.views = new WorkloadViews(mesh, graph);
    this.contents = deriveInboundContents(this.views.inbound, mesh.settings);
    this.turns = new Source<number>(graph, "rescope-turns");
    this.ends = [
      this.turns.subscribe(() => {
        const due = this.waiting;
        this.waiting = [];
        for (const work of due) work();
      }),
      // The labels that rules ask for decide which proxies are alike.
      mesh.callerSelectors.all.subscribe(() => {
        this.prepare([...this.clients].filter((client) => !sameData(client.upcoming, this.scopeOf(client.node))));
      }),
      this.contents.subscribe((changes) => {
        this.prepare(changes.flatMap(({ key }) => [...this.clientsByWorkload.get(key)]));
      }),
    ];
  }

  /** Frees what the generator itself holds of the graph; its clients must be closed. */
  dispose(): void {
    for (const end of this.ends) end();
    this.scopeHalves.clear();
  }

  /** How often a client got a scope without labels because there were too many with them. */
  get withoutLabels(): number {
    return this.labelled.withoutLabels;
  }

  /** Scopes and workloads that clients use now. */
  get counts(): { scopes: number; workloads: number; clients: number; interned: number } {
    return {
      scopes: this.scopes.size,
      workloads: this.clientsByWorkload.size,
      clients: this.clients.size,
      interned: this.interned.size,
    };
  }

  /** What is kept to be used again, and how often it was. */
  get caches() {
    return { interned: this.interned.counts, endpoints: endpointUses() };
  }

  /** The scopes that were used last, the newest first. */
  get recentScopes(): ServedScope[] {
    return [...this.servedScopes.values()].reverse();
  }

  /**
   * Makes the views of scopes that proxies are expected to use soon; they are kept as if a proxy had just left them.
   *
   * @param budgetMs what is not made by then is left out; a view that was begun is finished
   */
  async warm(scopes: readonly ServedScope[], budgetMs: number): Promise<void> {
    const { clock } = this.options;
    const endMs = (clock?.monotonic() ?? 0) + budgetMs;
    for (const served of scopes) {
      if (clock === undefined || clock.monotonic() >= endMs) return;
      const half = this.takeScope(served);
      await new Promise<void>((resolve) => {
        if (half.value.filled) resolve();
        else this.warming.set(half.value.about, resolve);
      });
      half.release();
    }
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
      scopes: [...this.scopes].map(({ about, sets, filled, kind }) => ({
        ...{ key: scopeKey(about), scope: about, kind, filled, users: 0, proxies: [], ...sharers.get(about) },
        sizes: Object.fromEntries(
          [...sets].map(([typeUrl, parts]) => [
            typeUrl.slice(typeUrl.lastIndexOf(".") + 1),
            parts.reduce((sum, part) => sum + part.size, 0),
          ]),
        ),
      })),
      workloads: this.clientsByWorkload.size,
      clients: this.clients.size,
      interned: this.interned.inspect(),
      endpoints: endpointUses(),
    };
  }

  open(client: XdsClient): ClientView {
    const view = new MeshClientView(client.node, {
      takeWorkload: (node) => this.takeWorkload(proxyWorkloadOf(node, this.mesh.clusterId)),
      takeHalves: (node, workload) => this.takeHalves(node, workload),
      close: (closed) => {
        this.clients.delete(closed);
        this.clientsByWorkload.delete(closed.workload, closed);
        if (this.clientsByWorkload.get(closed.workload).size === 0) this.views.delete(closed.workload);
      },
    });
    this.clients.add(view);
    this.clientsByWorkload.add(view.workload, view);
    return view;
  }

  scopeOf(node: NodeInfo): Scope {
    return {
      namespace: node.namespace,
      autoAddresses: node.dnsCapture,
      sourceLabels: askedLabels(this.mesh.callerSelectors, node.namespace, node.labels),
      ipv6: takesIpv6(node),
      ipv6Names: hasIpv6Address(node),
    };
  }

  /**
   * Clients get other halves. New ones are filled in the next turn, or later, and told of at its end; clients move when that is
   * over, so that they see the difference between two whole halves and never an empty one.
   */
  private prepare(clients: Iterable<MeshClientView>): void {
    const concerned = [...clients];
    for (const client of concerned) client.prepare();
    if (concerned.length > 0) this.moveSoon();
  }

  private moveSoon(): void {
    this.inNextTurn(() =>
      this.inNextTurn(() => {
        for (const client of [...this.clients]) client.move();
      }),
    );
  }

  private inNextTurn(work: () => void): void {
    this.waiting.push(work);
    this.turns.set("turn", (this.turns.get("turn") ?? 0) + 1);
  }

  /** The key under which the workload's own view is. */
  private takeWorkload(workload: ProxyWorkload): string {
    const key = contentHash(JSON.stringify(workload));
    if (this.clientsByWorkload.get(key).size === 0) this.views.put(key, workload);
    return key;
  }

  private takeHalves(node: NodeInfo, workload: string): ClientHalves {
    const envoyVersion = node.envoyVersion ?? "";
    const content = this.contents.get(workload);
    return {
      scope: this.takeScope({ scope: this.labelled.admit(this.scopeOf(node)), envoyVersion }),
      own:
        content === undefined
          ? undefined
          : this.serve(this.ownHalves, { key: content.key, envoyVersion, make: () => this.makeOwn(content) }),
    };
  }

  private takeScope(served: ServedScope): Shared<Half> {
    const { scope, envoyVersion } = served;
    const key = scopeKey(scope);
    const servedKey = `${key} ${envoyVersion}`;
    const isNew = !this.servedScopes.has(servedKey);
    this.servedScopes.set(servedKey, served);
    if (isNew) this.options.onScope?.();
    return this.serve(this.scopeHalves, { key, envoyVersion, make: () => this.makeScope(scope) });
  }

  private serve(table: SharedTable<Half>, of: { key: string; envoyVersion: string; make: () => Half }): Shared<Half> {
    const { key, envoyVersion, make } = of;
    const { quarantine } = this.options;
    if (quarantine === undefined) return table.take(key, make);
    return table.take(`${key} ${envoyVersion}`, () => {
      const made = this.madeHalves.take(key, make);
      const served = new ServedHalf(made.value.sets, { key, envoyVersion, quarantine });
      return {
        about: made.value.about,
        sets: served.sets,
        get filled() {
          return made.value.filled;
        },
        dispose: () => {
          served.dispose();
          made.release();
        },
      };
    });
  }

  private makeOwn(content: InboundContent): Half {
    return { about: content.key, sets: workloadResources(content, this.graph), filled: true, dispose: () => {} };
  }

  private makeScope(scope: Scope): Half {
    const { slices } = this.options;
    const made = this.scopeSets.make(scope);
    let state: "filling" | "filled" | "disposed" = "filling";
    if (slices === undefined) {
      made.fillAtOnce();
      state = "filled";
    } else {
      slices.add(() => {
        if (state === "disposed") return false;
        if (made.fill()) return true;
        state = "filled";
        this.warming.get(scope)?.();
        this.warming.delete(scope);
        this.moveSoon();
        const waiting = [...this.clients].filter((client) => client.isWaiting);
        slices.add(() => {
          waiting.shift()?.lookReady();
          return waiting.length > 0;
        });
        return false;
      });
    }
    const half: ScopeHalf = {
      about: scope,
      sets: made.sets,
      kind: made.kind,
      get filled() {
        return state === "filled";
      },
      dispose: () => {
        this.scopes.delete(half);
        state = "disposed";
        this.labelled.end(scope);
        made.dispose();
      },
    };
    this.scopes.add(half);
    this.labelled.begin(scope);
    return half;
  }
}
