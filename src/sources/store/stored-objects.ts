// API objects of the store → a collection.
import type { Collection } from "../../collection/collection.ts";
import type { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { readEnvelope } from "../../config/decode/envelope.ts";
import { configCodes } from "../../config/errors.ts";
import { kinds } from "../../config/kinds.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import type { Problem } from "../../config/problem.ts";
import { validateObject } from "../../config/validate.ts";
import { fromUtf8 } from "../../kernel/bytes.ts";
import type { Cancel } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import { sharedData } from "../../kernel/shared-data.ts";
import { type ObjectLocation, objectKey, objectPrefix, parseObjectKey } from "../../store/object-key.ts";
import type { Page, Store, StoredChange } from "../../store/store.ts";
import { configOf } from "../api-object.ts";

export interface StoredObjects extends Stoppable {
  /** By `formatConfigKey`; `meta.resourceVersion` is the revision of the object's last write. */
  readonly objects: Collection<Config>;
  /** What is wrong with stored objects, by the key in the store: values that cannot be read, or rules that are newer. */
  readonly problems: Collection<readonly Problem[]>;
}

/**
 * Resolves when every object that was stored is in the collection, and keeps it up to date from then on.
 *
 * An object that passed validation when it was written stays in the mesh also where a newer version finds fault with
 * it: dropping a policy at an upgrade would be worse. The fault is a problem.
 *
 * @param options.source cluster id of this control plane, part of each object's key
 */
export async function watchStoredObjects(
  store: Store,
  graph: Graph,
  options: { source: string },
): Promise<StoredObjects> {
  const reader = new StoredObjectReader(store, graph, options.source);
  await reader.load();
  return reader;
}

interface Read {
  config: Config | undefined;
  problems: readonly Problem[];
}

class StoredObjectReader implements StoredObjects {
  readonly objects: Source<Config>;
  readonly problems: Source<readonly Problem[]>;
  private readonly store: Store;
  private readonly graph: Graph;
  private readonly source: string;
  private cancel: Cancel = () => {};
  private stopped = false;

  constructor(store: Store, graph: Graph, source: string) {
    this.store = store;
    this.graph = graph;
    this.source = source;
    this.objects = new Source(graph, "stored objects");
    this.problems = new Source(graph, "problems of stored objects");
  }

  /** Lists everything and watches from there; also after the history was cut. */
  async load(): Promise<void> {
    const objects = new Map<string, Config>();
    const problems = new Map<string, readonly Problem[]>();
    let first: Page | undefined;
    let from = objectPrefix;
    for (;;) {
      const page = await this.store.list(objectPrefix, { from });
      first ??= page;
      for (const entry of page.entries) {
        const read = this.read(entry.key, entry.value, entry.revision);
        if (read.config !== undefined) objects.set(formatConfigKey(read.config.key), read.config);
        if (read.problems.length > 0) problems.set(entry.key, read.problems);
      }
      if (page.next === undefined) break;
      from = page.next;
    }
    if (this.stopped) return;
    this.graph.batch(() => {
      this.objects.replace(objects);
      this.problems.replace(problems);
    });
    // From the first page: later pages may hold newer values, and what changed since comes again.
    this.cancel = this.store.watch(objectPrefix, first.revision, (event) => {
      if (event.type === "changes") this.graph.batch(() => this.take(event.changes));
      // A store that fails now is reported by the store itself; what was read stays.
      else this.load().catch(() => {});
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
  }

  private take(changes: readonly StoredChange[]): void {
    for (const { key, value, revision } of changes) {
      const configKey = this.configKeyOf(key);
      const read: Read = value === undefined ? { config: undefined, problems: [] } : this.read(key, value, revision);
      if (read.config !== undefined) this.put(read.config);
      else if (value === undefined && configKey !== undefined) this.objects.delete(configKey);
      if (read.problems.length > 0) this.problems.set(key, read.problems);
      else this.problems.delete(key);
    }
  }

  private configKeyOf(key: string): string | undefined {
    const location = parseObjectKey(key);
    const kind = location === undefined ? undefined : kindOf(location);
    if (location === undefined || kind === undefined) return undefined;
    const { group, namespace, name } = location;
    return formatConfigKey({ source: this.source, group, kind: kind.kind, namespace, name });
  }

  private put(config: Config): void {
    const key = formatConfigKey(config.key);
    this.objects.set(key, { ...config, spec: sharedData(this.objects.get(key)?.spec, config.spec) });
  }

  private read(key: string, bytes: Uint8Array, revision: number): Read {
    const location = parseObjectKey(key);
    const kind = location === undefined ? undefined : kindOf(location);
    if (location === undefined || kind === undefined) {
      return unreadable(configCodes.unknownKind, `${key} is of a kind that this version does not serve`);
    }
    let value: unknown;
    try {
      value = JSON.parse(fromUtf8(bytes));
    } catch {
      return unreadable(configCodes.syntax, `${key} does not hold JSON`);
    }
    const envelope = readEnvelope(value, location.namespace);
    if ("problems" in envelope) return { config: undefined, problems: envelope.problems };
    const { object } = envelope;
    if (objectKey({ ...location, namespace: object.metadata.namespace, name: object.metadata.name }) !== key) {
      return unreadable(configCodes.badMetadata, `${key} holds an object of another name`);
    }
    const problems = validateObject(kind, object).filter((problem) => problem.severity === "error");
    const metadata = { ...object.metadata, resourceVersion: String(revision) };
    return { config: configOf(kind, { ...object, metadata }, this.source), problems };
  }
}

function kindOf(location: ObjectLocation) {
  return kinds.find((kind) => kind.group === location.group && kind.plural === location.plural);
}

function unreadable(code: string, message: string): Read {
  return {
    config: undefined,
    problems: [{ severity: "error", code, message, remedy: "Delete or replace the object." }],
  };
}
