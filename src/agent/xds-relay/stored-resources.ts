// The last known good resources on disk, so that Envoy and the machine restart without the control plane (DESIGN law 6).
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryResponseSchema } from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { SealedFolder } from "../storage/sealed-folder.ts";
import { edsServiceName } from "./eds-service-name.ts";
import type { CachedResource, ResourceCache } from "./resource-cache.ts";
import type { XdsRelay } from "./xds-relay.ts";

/** `system_version_info` of a stored response: the version of this format. */
const formatVersion = "lateen-1";
/** Changes are gathered this long before they are written, milliseconds. */
export const settleMs = 2_000;
/**
 * Rest between two writes, as a multiple of the time that the last one took, and its bound in milliseconds: each is of all
 * resources of a type, however few have changed. What a crash loses of the last changes the control plane sends again.
 */
const restFactor = 20;
export const longestRestMs = 30_000;

/**
 * Types that are kept, and their files' names, in the order in which they are restored: what becomes of clusters depends on the
 * load assignments. Queries are of the moment and are not kept.
 */
const storedTypes: ReadonlyMap<string, string> = new Map([
  [typeUrls.endpoint, "endpoints"],
  [typeUrls.cluster, "clusters"],
  [typeUrls.listener, "listeners"],
  // Whole, as Envoy accepted them, for bad times and for agents that know nothing else; and in parts, which may be newer, so
  // that they need not be sent again.
  [typeUrls.route, "routes"],
  [typeUrls.routePart, "route-parts"],
  [typeUrls.secret, "secrets"],
  [typeUrls.extensionConfig, "extensions"],
  [typeUrls.nameTable, "names"],
  [typeUrls.machine, "machine"],
]);

export interface StoredResourcesOptions {
  relay: XdsRelay;
  folder: Pick<SealedFolder, "read" | "write">;
  clock: Clock;
  log: Log;
}

export class StoredResources implements Stoppable {
  private readonly options: StoredResourcesOptions;
  private readonly dirty = new Set<string>();
  private cancelTimer: Cancel | undefined;
  /** When the next write may begin, monotonic milliseconds. */
  private readyMs = 0;
  private isWriting = false;
  private unsubscribe: (() => void) | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(options: StoredResourcesOptions) {
    this.options = options;
  }

  /** Fills the relay's caches with what was kept, and keeps what comes from then on. A damaged file is left out and logged. */
  async start(): Promise<void> {
    const { relay, log } = this.options;
    for (const [typeUrl, name] of storedTypes) {
      try {
        const count = await this.restore(relay.cacheOf(typeUrl), name);
        if (count === undefined) continue;
        relay.restored(typeUrl);
        log.info("restored resources from the disk", { type: name, count });
      } catch (error) {
        log.warn("stored resources were left out", { type: name, error: describeError(error) });
      }
    }
    this.unsubscribe = relay.onChange((typeUrl) => this.changed(typeUrl));
  }

  async stop(): Promise<void> {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    await this.flush();
  }

  /** Writes what has changed since the last time; resolves when it is on the disk. */
  flush(): Promise<void> {
    const types = [...this.dirty];
    this.dirty.clear();
    this.writing = this.writing.then(async () => {
      for (const typeUrl of types) await this.write(typeUrl);
    });
    return this.writing;
  }

  private changed(typeUrl: string): void {
    if (!storedTypes.has(typeUrl)) return;
    this.dirty.add(typeUrl);
    this.arm();
  }

  private arm(): void {
    if (this.isWriting || this.cancelTimer !== undefined || this.unsubscribe === undefined) return;
    const { clock } = this.options;
    this.cancelTimer = clock.after(Math.max(settleMs, this.readyMs - clock.monotonic()), () => {
      this.cancelTimer = undefined;
      this.isWriting = true;
      const startMs = clock.monotonic();
      void this.flush().then(() => {
        this.isWriting = false;
        const now = clock.monotonic();
        this.readyMs = now + Math.min(restFactor * (now - startMs), longestRestMs);
        if (this.dirty.size > 0) this.arm();
      });
    });
  }

  private async restore(cache: ResourceCache, name: string): Promise<number | undefined> {
    const bytes = await this.options.folder.read(name);
    if (bytes === undefined) return undefined;
    const stored = fromBinary(DeltaDiscoveryResponseSchema, bytes);
    if (stored.systemVersionInfo !== formatVersion) return undefined; // another version of the agent wrote it
    const resources = stored.resources.flatMap(({ name, version, resource }) =>
      resource === undefined ? [] : [{ name, version, bodyType: resource.typeUrl, body: resource.value.slice() }],
    );
    const usable = cache.typeUrl === typeUrls.cluster ? this.withLoadAssignment(resources) : resources;
    cache.restore(usable);
    return usable.length;
  }

  /**
   * All clusters but those of type EDS whose load assignment is not here: they came shortly before the end, or the files are of
   * different moments. Envoy would open no listener while it waits for one, without end where istiod made the cluster, and has
   * no endpoints either way.
   */
  private withLoadAssignment(clusters: readonly CachedResource[]): readonly CachedResource[] {
    const { relay, log } = this.options;
    const endpoints = relay.cacheOf(typeUrls.endpoint);
    const usable = clusters.filter(({ body }) => {
      const name = edsServiceName(body);
      return name === undefined || endpoints.has(name);
    });
    const count = clusters.length - usable.length;
    if (count > 0) log.warn("stored clusters without a load assignment were left out", { count });
    return usable;
  }

  private async write(typeUrl: string): Promise<void> {
    const { relay, folder, log } = this.options;
    const name = storedTypes.get(typeUrl);
    const cache = relay.cacheOf(typeUrl);
    if (name === undefined || !cache.answered) return;
    const resources = [...cache.lastKnownGood()].map(({ name, version, bodyType, body }) => ({
      name,
      version,
      resource: { typeUrl: bodyType, value: body },
    }));
    const stored = create(DeltaDiscoveryResponseSchema, { systemVersionInfo: formatVersion, typeUrl, resources });
    try {
      await folder.write(name, toBinary(DeltaDiscoveryResponseSchema, stored));
    } catch (error) {
      log.warn("resources could not be kept on the disk", { type: name, error: describeError(error) });
    }
  }
}
