// Which way routes come over the present stream to the control plane, and what comes of those that come in parts.
//
// A control plane that has the capability says so in a header of the stream, before any message. Until then routes are not
// asked for, so that nothing comes twice. What no head stands for, and what does not fit together, is asked for whole; and
// from everybody else everything is. Both ways have equal versions, so that going over from one to the other sends nothing.
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { routeOfPart } from "../../xds/route-part-name.ts";
import { ComposedRoutes } from "./composed-routes.ts";
import type { CacheChange, CachedResource, ResourceCache } from "./resource-cache.ts";

/** What the relay does for it. */
export interface PartedRoutesHost {
  /** The cache of whole route configurations, which Envoy is served from. */
  routes(): ResourceCache;
  /** Names of route configurations that Envoy asks for. */
  asked(): ReadonlySet<string>;
  /** Other route configurations are to be asked for whole than before. */
  wantedChanged(): void;
}

/** How long parts may be on their way that make the others fit together, counted from the last that came, milliseconds. */
export const strayMs = 3_000;
/** More parts are not told to the control plane as held, which takes only so many names; such routes are asked for whole. */
export const partLimit = 18_000;

type Way = "unknown" | "whole" | "parts asked" | "parts";

export class PartedRoutes {
  private readonly host: PartedRoutesHost;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly composed = new ComposedRoutes();
  private way: Way = "unknown";
  /** Route configurations whose parts did not fit together in time. */
  private readonly stray = new Set<string>();
  private cancelStray: Cancel | undefined;

  constructor(host: PartedRoutesHost, options: { clock: Clock; log: Log }) {
    this.host = host;
    this.clock = options.clock;
    this.log = options.log;
  }

  /** A new stream is open. */
  opened(): void {
    this.way = "unknown";
    this.stray.clear();
    this.stop();
  }

  /**
   * The control plane has said what it can do.
   *
   * @param inParts true where it serves routes in parts
   * @param held how many parts are here already
   */
  announced(inParts: boolean, held: number): void {
    if (this.way === "unknown") this.way = inParts && held <= partLimit ? "parts asked" : "whole";
  }

  get isKnown(): boolean {
    return this.way !== "unknown";
  }

  /** True where parts are to be asked for. */
  get wantsParts(): boolean {
    return this.way === "parts asked" || this.way === "parts";
  }

  /** True where the route configuration is to be asked for whole. */
  wantsWhole(name: string): boolean {
    if (this.way === "whole") return true;
    return this.way === "parts" && (this.stray.has(name) || !this.composed.has(name));
  }

  /** True where the route configuration that Envoy gets comes from parts. */
  covers(name: string): boolean {
    return this.way === "parts" && this.composed.get(name) !== undefined;
  }

  /**
   * Takes up what changed in the cache of parts.
   *
   * @throws LateenError LAT4210
   */
  take(cache: ResourceCache, change: CacheChange): void {
    this.composed.take(cache, change);
  }

  /** A response with parts has been taken up. */
  received(partNames: Iterable<string>): void {
    const isFirst = this.way === "parts asked";
    if (isFirst) this.way = "parts";
    if (this.way !== "parts") return;
    // On a new stream the control plane sends nothing of what is here already, be it in force or not.
    const concerned = isFirst ? this.host.asked() : new Set([...partNames].map(routeOfPart));
    const routes = this.host.routes();
    this.provide(concerned, ({ name, version }) => !routes.isUsable(name, version));
    for (const name of concerned) if (this.composed.get(name) !== undefined) this.stray.delete(name);
    this.watch();
    this.host.wantedChanged();
  }

  /** Envoy asks for other route configurations than before. */
  askedChanged(): void {
    const routes = this.host.routes();
    this.provide(this.host.asked(), ({ name }) => !routes.has(name));
  }

  private provide(names: Iterable<string>, isNews: (whole: CachedResource) => boolean): void {
    if (this.way !== "parts") return;
    const asked = this.host.asked();
    const news: CachedResource[] = [];
    for (const name of names) {
      const whole = asked.has(name) ? this.composed.get(name) : undefined;
      if (whole !== undefined && isNews(whole)) news.push(whole);
    }
    if (news.length > 0) this.host.routes().apply(news, []);
  }

  stop(): void {
    this.cancelStray?.();
    this.cancelStray = undefined;
  }

  /** Parts of one message are split where they are too many: the rest is on its way. */
  private watch(): void {
    this.stop();
    const waiting = [...this.composed.names()].filter((name) => this.isWaiting(name));
    if (waiting.length === 0) return;
    this.cancelStray = this.clock.after(strayMs, () => {
      this.cancelStray = undefined;
      const lost = waiting.filter((name) => this.isWaiting(name));
      if (lost.length === 0) return;
      this.log.warn("parts of route configurations do not fit together; they are asked for whole", { names: lost });
      for (const name of lost) this.stray.add(name);
      this.host.wantedChanged();
    });
  }

  private isWaiting(name: string): boolean {
    return !this.stray.has(name) && this.composed.get(name) === undefined && this.host.asked().has(name);
  }
}
