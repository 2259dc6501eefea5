// An Envoy, and the agent before it, as an ADS server sees them: it asks for what its clusters and listeners need, warms them
// before it uses them, accepts or refuses, and comes back with what it holds.
import { contentHash } from "../../src/kernel/hash.ts";
import { nodeOf, type RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { FrameDecoder } from "../../src/xds/grpc-frame.ts";
import { isRouteHead, routeOfPart } from "../../src/xds/route-part-name.ts";
import { routeConfigurationVersion } from "../../src/xds/route-version.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { decodeResponse, encodeRequest, type Request, type Response, type Variant } from "./discovery-wire.ts";
import { type References, referencesOf } from "./references.ts";

const { cluster, endpoint, listener, route, routePart, nameTable, machine } = typeUrls;

export interface ProxyPlan {
  readonly variant: Variant;
  /** Acknowledges clusters once they are warm, as Envoy does; others do at once. */
  readonly patient: boolean;
  /** Asks for listeners at once; Envoy waits for its first clusters. */
  readonly eager: boolean;
  /** Says the wildcard aloud. */
  readonly aloud: boolean;
  /** Asks for these clusters by name and for no listeners, as gRPC clients do. */
  readonly only: readonly string[] | undefined;
  /** What it refuses, all or a third of one type; undefined for nothing. */
  readonly refuses: { readonly typeUrl: string; readonly residue: number | "all" } | undefined;
  /** Takes routes in parts, as our own agent does, and puts them together. */
  readonly parts: boolean;
  /** Names in its refusals what it means. */
  readonly explains: boolean;
  /** Takes the good resources of a message with a bad one also of types where Envoy gives up at the bad one. */
  readonly partial: boolean;
}

/** Envoy as it is, content with everything. */
export const plainPlan: ProxyPlan = {
  variant: "delta",
  patient: true,
  eager: false,
  aloud: false,
  only: undefined,
  parts: false,
  refuses: undefined,
  explains: true,
  partial: true,
};

export interface Held {
  readonly version: string;
  readonly body: Uint8Array;
  /** Of the body. */
  readonly print: string;
}

export function printOf(body: Uint8Array): string {
  return contentHash(body);
}

/** What the history wants to know of each message. */
export interface ProxyObserver {
  /** A resource came, or its absence; before the proxy does anything with it. */
  heard(typeUrl: string, name: string, print: string | undefined): void;
  /** The proxy has taken up a message. */
  took(): void;
}

/** Resources that are made of no object. */
const everybodys = /^(virtualInbound|virtualOutbound|PassthroughCluster|BlackHoleCluster|InboundPassthroughCluster)$/;
const frameLimit = 64 << 20;

export class FakeProxy {
  node: RigProxy;
  plan: ProxyPlan;
  /** What was accepted, by type and name. */
  readonly held = new Map<string, Map<string, Held>>();
  /** Clusters that can be used, and listeners that are. */
  readonly activeClusters = new Set<string>();
  readonly activeListeners = new Map<string, Held>();
  /**
   * Clusters that may be missed: some version was refused, or they were gone when a stream in state of the world began, to
   * which the server cannot know what is held.
   */
  readonly missable = new Set<string>();
  /** Route configurations that are put together, by name: the parts of each. */
  readonly wholeRoutes = new Map<string, ReadonlyMap<string, Held>>();
  /** Messages that came. */
  messages = 0;
  private readonly warmingClusters = new Set<string>();
  private readonly observer: ProxyObserver;
  private sendBytes: ((bytes: Uint8Array) => void) | undefined;
  private decoder = new FrameDecoder(frameLimit);
  /** Types asked for in this life of the proxy. */
  private readonly asked = new Set<string>();
  /** Of the stream: names asked for, SotW's last nonces, whether the node was sent. */
  private subscribed = new Map<string, Set<string>>();
  private nonces = new Map<string, string>();
  private introduced = false;
  /** Of SotW, over streams. */
  private readonly versions = new Map<string, string>();
  /** While a stream begins: its first requests go out together, and are heard together. */
  private burst: Uint8Array[] | undefined;
  private lateAnswer: (() => void) | undefined;

  constructor(node: RigProxy, plan: ProxyPlan, observer: ProxyObserver) {
    this.node = node;
    this.plan = plan;
    this.observer = observer;
  }

  heldOf(typeUrl: string): Map<string, Held> {
    let held = this.held.get(typeUrl);
    if (held === undefined) {
      held = new Map();
      this.held.set(typeUrl, held);
    }
    return held;
  }

  /** What objects make only: what every proxy gets is never bad. */
  refuses(typeUrl: string, name: string, print: string): boolean {
    const { refuses } = this.plan;
    if (refuses === undefined || refuses.typeUrl !== typeUrl || everybodys.test(name)) return false;
    return refuses.residue === "all" || (print.charCodeAt(0) + print.charCodeAt(1)) % 3 === refuses.residue;
  }

  /** Names that the proxy asks for one by one; undefined where it wants all. */
  interestIn(typeUrl: string): ReadonlySet<string> | undefined {
    if (typeUrl === cluster) return this.plan.only === undefined ? undefined : new Set(this.plan.only);
    if (typeUrl === endpoint) {
      const names = [...this.heldOf(cluster).values()].map((held) => referencesIn(cluster, held).loadAssignment);
      return new Set(names.filter((name) => name !== undefined));
    }
    if (typeUrl === route) {
      if (this.plan.parts) return new Set();
      const listeners = [...this.heldOf(listener).values(), ...this.activeListeners.values()];
      return new Set(listeners.flatMap((held) => referencesIn(listener, held).routes));
    }
    return undefined;
  }

  /** A stream is open. */
  connect(send: (bytes: Uint8Array) => void): void {
    this.sendBytes = send;
    this.decoder = new FrameDecoder(frameLimit);
    this.subscribed = new Map();
    this.nonces = new Map();
    this.introduced = false;
    this.lateAnswer = undefined;
    const burst: Uint8Array[] = [];
    this.burst = burst;
    if (this.asked.size > 0) for (const typeUrl of this.asked) this.ask(typeUrl);
    else {
      this.ask(cluster);
      if (this.plan.only === undefined) this.ask(nameTable);
      if (this.plan.only === undefined && this.plan.eager) this.startListening();
    }
    this.burst = undefined;
    send(Buffer.concat(burst));
  }

  disconnect(): void {
    this.sendBytes = undefined;
    this.lateAnswer = undefined;
    // What was warming is warmed anew: nothing of the old stream will come.
  }

  /** Forgets everything, as a new process. */
  restart(): void {
    this.held.clear();
    this.activeClusters.clear();
    this.activeListeners.clear();
    this.wholeRoutes.clear();
    this.missable.clear();
    this.warmingClusters.clear();
    this.asked.clear();
    this.versions.clear();
  }

  receive(bytes: Uint8Array): void {
    for (const message of this.decoder.push(bytes)) {
      if (this.sendBytes !== undefined) this.take(decodeResponse(message, this.plan.variant));
    }
  }

  private take(response: Response): void {
    const { typeUrl, resources, nonce, versionInfo } = response;
    this.messages += 1;
    const printed = resources.map(({ name, version, body }) => ({
      name,
      held: { version, body, print: printOf(body) },
    }));
    const removed = this.removedBy(response);
    const begins = this.plan.variant === "sotw" && !this.nonces.has(typeUrl);
    if (begins && typeUrl === cluster) for (const name of removed) this.missable.add(name);
    this.nonces.set(typeUrl, nonce);
    for (const { name, held } of printed) this.observer.heard(typeUrl, name, held.print);
    for (const name of removed) this.observer.heard(typeUrl, name, undefined);
    const bad = printed.filter(({ name, held }) => this.refuses(typeUrl, name, held.print));
    if (typeUrl === cluster) for (const { name } of bad) this.missable.add(name);
    if (typeUrl === endpoint) for (const { name } of bad) this.warmed(name); // Envoy waits no longer than 15 s
    const partial = this.plan.partial || typeUrl === cluster || typeUrl === listener;
    if (typeUrl === endpoint && bad.length > 0 && !partial) for (const { name } of printed) this.missable.add(name);
    if (bad.length === 0 || partial) {
      for (const { name, held } of printed) {
        if (!this.refuses(typeUrl, name, held.print)) this.accept(typeUrl, name, held);
      }
      for (const name of removed) this.remove(typeUrl, name);
      if (typeUrl === routePart) this.putTogether();
    }
    // That there is no load assignment ends the wait for it too (Envoy's EdsClusterImpl, "Missing ClusterLoadAssignment").
    if (typeUrl === endpoint) for (const name of removed) this.warmed(name);
    if (bad.length === 0) this.versions.set(typeUrl, versionInfo);
    this.askForMore();
    const names = this.plan.explains ? bad.map(({ name }) => name).join(", ") : "something is wrong";
    const answer = (): void => {
      this.send({
        typeUrl,
        nonce,
        rejection: bad.length === 0 ? undefined : names,
        names: [...(this.subscribed.get(typeUrl) ?? [])],
        versionInfo: this.versions.get(typeUrl) ?? "",
      });
    };
    if (typeUrl === cluster && this.plan.patient && this.warmingClusters.size > 0) this.lateAnswer = answer;
    else answer();
    this.goOnIfWarm();
    this.observer.took();
  }

  /**
   * Envoy waits for a load assignment no longer than 15 s. Only state of the world may need that: it cannot say that there is
   * none. Returns whether it waited.
   */
  waitOut(): boolean {
    if (this.sendBytes === undefined || this.plan.variant === "delta" || this.warmingClusters.size === 0) return false;
    for (const name of this.warmingClusters) this.warmed(name);
    this.goOnIfWarm();
    return true;
  }

  private goOnIfWarm(): void {
    if (this.warmingClusters.size > 0) return;
    this.lateAnswer?.();
    this.lateAnswer = undefined;
    if (this.heldOf(cluster).size > 0) this.startListening();
  }

  /** SotW says what is there: of clusters and listeners, what it does not name is gone. */
  private removedBy({ typeUrl, resources, removed }: Response): readonly string[] {
    if (this.plan.variant === "delta" || (typeUrl !== cluster && typeUrl !== listener)) return removed;
    const there = new Set(resources.map(({ name }) => name));
    return [...this.heldOf(typeUrl).keys()].filter((name) => !there.has(name));
  }

  private accept(typeUrl: string, name: string, held: Held): void {
    const interest = this.interestIn(typeUrl);
    if (interest !== undefined && !interest.has(name)) return; // given up meanwhile
    const same = this.heldOf(typeUrl).get(name)?.print === held.print;
    this.heldOf(typeUrl).set(name, held);
    if (typeUrl === endpoint) this.warmed(name);
    else if (typeUrl === route) this.useListeners();
    else if (typeUrl === listener && !same) this.useListeners();
    else if (typeUrl === cluster && !same) {
      if (referencesIn(cluster, held).loadAssignment === undefined) this.warmed(name);
      else this.warmingClusters.add(name);
    }
  }

  private remove(typeUrl: string, name: string): void {
    this.heldOf(typeUrl).delete(name);
    if (typeUrl === cluster) {
      this.activeClusters.delete(name);
      this.warmingClusters.delete(name);
    }
    if (typeUrl === listener) this.activeListeners.delete(name);
    this.forgetUnused();
  }

  /** A cluster that waited for its load assignment, which has the same name here, can be used. */
  private warmed(name: string): void {
    this.warmingClusters.delete(name);
    if (this.heldOf(cluster).has(name)) this.activeClusters.add(name);
  }

  /** Listeners serve once their route configurations are there. */
  private useListeners(): void {
    for (const [name, held] of this.heldOf(listener)) {
      const there = this.plan.parts ? this.wholeRoutes : this.heldOf(route);
      if (referencesIn(listener, held).routes.every((needed) => there.has(needed))) {
        this.activeListeners.set(name, held);
      }
    }
  }

  /** A route configuration is used once the version in its head agrees with its virtual hosts. */
  private putTogether(): void {
    const parts = this.heldOf(routePart);
    for (const name of this.wholeRoutes.keys()) if (!parts.has(name)) this.wholeRoutes.delete(name);
    for (const [name, held] of parts)
      if (isRouteHead(name) && this.agrees(name, held)) this.wholeRoutes.set(name, this.partsOf(name));
    this.useListeners();
  }

  /** True where nothing of a route configuration is still to come. */
  agrees(name: string, head: Held): boolean {
    const { part } = referencesIn(routePart, head);
    const hosts = [...this.partsOf(name)].filter(([each]) => each !== name).map(([, held]) => held);
    const positionOf = (held: Held): string => referencesIn(routePart, held).part?.position ?? "";
    const inOrder = hosts.toSorted((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1));
    const version = routeConfigurationVersion(
      part?.head ?? new Uint8Array(),
      inOrder.map((each) => each.version),
    );
    return version === part?.contentVersion;
  }

  private partsOf(route: string): Map<string, Held> {
    return new Map([...this.heldOf(routePart)].filter(([name]) => routeOfPart(name) === route));
  }

  private forgetUnused(): void {
    for (const typeUrl of [endpoint, route]) {
      const interest = this.interestIn(typeUrl);
      for (const name of [...this.heldOf(typeUrl).keys()]) {
        if (interest?.has(name) !== true) this.heldOf(typeUrl).delete(name);
      }
    }
  }

  private startListening(): void {
    if (this.plan.only === undefined && !this.asked.has(listener)) {
      this.ask(listener);
      if (this.plan.parts) this.ask(routePart);
      this.ask(machine);
    }
  }

  /** First request for a type on the stream. */
  private ask(typeUrl: string): void {
    this.asked.add(typeUrl);
    const interest = this.interestIn(typeUrl);
    const held = new Map([...this.heldOf(typeUrl)].map(([name, { version }]) => [name, version]));
    this.subscribed.set(typeUrl, new Set(interest));
    const aloud = interest === undefined && this.plan.aloud ? ["*"] : [];
    this.send({
      typeUrl,
      held,
      subscribe: [...(interest ?? aloud)],
      names: [...(interest ?? aloud)],
      versionInfo: this.versions.get(typeUrl) ?? "",
    });
    if (aloud.length > 0 && this.plan.variant === "sotw") this.subscribed.set(typeUrl, new Set(aloud));
  }

  /** Load assignments of new clusters, route configurations of new listeners; and gives up what is needed no more. */
  private askForMore(): void {
    this.forgetUnused();
    for (const typeUrl of [endpoint, route]) {
      const interest = this.interestIn(typeUrl) ?? new Set();
      const before = this.subscribed.get(typeUrl);
      if (before === undefined) {
        if (interest.size > 0) this.ask(typeUrl);
        continue;
      }
      const subscribe = [...interest].filter((name) => !before.has(name));
      const unsubscribe = [...before].filter((name) => !interest.has(name));
      if (subscribe.length + unsubscribe.length === 0) continue;
      this.subscribed.set(typeUrl, new Set(interest));
      this.send({
        typeUrl,
        subscribe,
        unsubscribe,
        names: [...interest],
        versionInfo: this.versions.get(typeUrl) ?? "",
        ...(this.plan.variant === "sotw" ? { nonce: this.nonces.get(typeUrl) ?? "" } : {}),
      });
    }
  }

  private send(request: Request): void {
    const node = this.introduced ? {} : { node: nodeOf(this.node) };
    this.introduced = true;
    const bytes = encodeRequest({ ...request, ...node }, this.plan.variant);
    if (this.burst === undefined) this.sendBytes?.(bytes);
    else this.burst.push(bytes);
  }
}

export function referencesIn(typeUrl: string, { body, print }: Held): References {
  return referencesOf(typeUrl, body, print);
}
