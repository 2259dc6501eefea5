// Creates, changes and deletes stored objects. Every write is one conditional transaction.

import { apiVersionOf, type Kind } from "../../config/kind.ts";
import { namespaceKind } from "../../config/namespace/namespace.ts";
import { type ApiObject, type Config, formatConfigKey, type ObjectMeta } from "../../config/object.ts";
import type { Clock } from "../../kernel/clock.ts";
import { sameData } from "../../kernel/equal.ts";
import type { Random } from "../../kernel/random.ts";
import type { Store } from "../../store/store.ts";
import { type AdmissionTarget, readObject, type Validate, validateObjectFully } from "./admit-object.ts";
import { isObject, type JsonObject } from "./json-tree.ts";
import { patchAttempts } from "./limits.ts";
import {
  type Author,
  type ManagedFields,
  ownersAfterUpdate,
  readManagedFields,
  writeManagedFields,
} from "./managed-fields.ts";
import { randomName, randomUuid, rfc3339 } from "./object-identity.ts";
import { isImplied, type ObjectView, type ViewEntry } from "./object-view.ts";
import type { WriteOptions } from "./query-options.ts";
import { alreadyExists, conflict, notFound, readOnly, StatusError } from "./status-error.ts";
import {
  configOfObject,
  encodeObject,
  readStoredObject,
  type StoredObject,
  storeKey,
  toPatchable,
} from "./stored-object.ts";

export interface ObjectWriterOptions {
  store: Store;
  view: ObjectView;
  /** Cluster id of this control plane. */
  source: string;
  validate: Validate;
  /** Where an object that is not stored is to be changed: `defined in shop.yaml:12, change it there`. */
  ownerOf: (config: Config) => string | undefined;
  clock: Clock;
  random: Random;
}

export interface Written {
  entry: ViewEntry;
  warnings: string[];
  created: boolean;
}

export interface ObjectTarget extends AdmissionTarget {
  name: string;
}

/** What a change makes of an object. */
export interface Change {
  value: unknown;
  /** Owners of the fields, where the change determines them. */
  owners?: ManagedFields[];
}

/** Preconditions of a delete (meta/v1 Preconditions). */
export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

export class ObjectWriter {
  private readonly options: ObjectWriterOptions;

  constructor(options: ObjectWriterOptions) {
    this.options = options;
  }

  /** @throws StatusError */
  async create(value: unknown, target: AdmissionTarget, options: WriteOptions, manager: string): Promise<Written> {
    const { kind, namespace, version } = target;
    const { object, warnings } = readObject(value, target, options.fieldValidation);
    const { metadata } = object;
    if (kind.scope === "Namespaced" && namespace === "") {
      throw new StatusError("badRequest", "an empty namespace may not be set during creation");
    }
    if ((metadata.resourceVersion ?? "") !== "") {
      throw new StatusError("badRequest", "resourceVersion should not be set on objects to be created");
    }
    for (let attempt = 1; ; attempt++) {
      const name = metadata.name === "" ? randomName(metadata.generateName ?? "", this.options.random) : metadata.name;
      const known = this.options.view.get(kind, namespace, name);
      const where = known === undefined ? undefined : this.ownerOf(known.config);
      if (where !== undefined) throw alreadyExists(kind, name, `; ${where}`);
      const author = this.author(manager, kind, version);
      const fresh = this.newMetadata({ ...metadata, name }, author.time);
      const made = withOwners(
        { ...object, metadata: fresh },
        ownersAfterUpdate([], undefined, object as object as JsonObject, author),
      );
      const found = await validateObjectFully(kind, made, this.options.validate);
      const revision = await this.put({ object: made, revision: 0 }, kind, made, options.dryRun);
      if (revision !== undefined) {
        await this.options.view.settled();
        return { entry: this.entryOf(kind, made, revision), warnings: [...warnings, ...found], created: true };
      }
      if (metadata.name !== "" || attempt === patchAttempts) throw alreadyExists(kind, name, "");
    }
  }

  /**
   * Changes an object: reads it, computes, and writes unless it was changed meanwhile; then again.
   *
   * @param compute given the object as the client sees it, undefined where it does not exist and `orCreate` is set
   * @throws StatusError
   */
  async change(
    target: ObjectTarget,
    options: WriteOptions,
    manager: string,
    compute: (live: JsonObject | undefined, owners: ManagedFields[], author: Author) => Change,
    orCreate = false,
  ): Promise<Written> {
    const { kind, namespace, name, version } = target;
    for (let attempt = 1; attempt <= patchAttempts; attempt++) {
      const live = await this.readWritable(kind, namespace, name);
      if (live === undefined && !orCreate) throw notFound(kind, name);
      const author = this.author(manager, kind, version);
      const shownRevision = Math.max(live?.revision ?? 0, this.options.view.get(kind, namespace, name)?.revision ?? 0);
      const shown =
        live === undefined ? undefined : toPatchable(live.object, apiVersionOf(kind, version), shownRevision);
      const owners = readManagedFields(live?.object.metadata.managedFields) ?? [];
      const change = compute(shown, owners, author);
      const { object, warnings } = readObject(change.value, target, options.fieldValidation);
      const precondition = this.checkVersion(kind, object.metadata, live, shownRevision);
      const next = this.complete(object, live, shown, change.owners, author);
      const found = await validateObjectFully(kind, next, this.options.validate);
      const isSame = live !== undefined && live.revision > 0 && sameData(unversioned(next), unversioned(live.object));
      const revision = isSame
        ? live.revision
        : await this.put(live ?? { object: next, revision: 0 }, kind, next, options.dryRun);
      if (revision !== undefined) {
        await this.options.view.settled();
        const entry = isSame
          ? { ...this.entryOf(kind, next, revision), revision: shownRevision }
          : this.entryOf(kind, next, revision);
        return { entry, warnings: [...warnings, ...found], created: live === undefined };
      }
      if (precondition) break;
    }
    throw conflict(
      kind,
      name,
      "the object has been modified; please apply your changes to the latest version and try again",
    );
  }

  /** @returns the uid of the object that is gone */
  async delete(target: ObjectTarget, preconditions: Preconditions, dryRun: boolean): Promise<string | undefined> {
    const { kind, namespace, name } = target;
    for (let attempt = 1; attempt <= patchAttempts; attempt++) {
      const live = await this.readWritable(kind, namespace, name);
      if (live === undefined) throw notFound(kind, name);
      this.checkPreconditions(kind, live, preconditions);
      if (kind === (namespaceKind as Kind)) this.checkEmpty(name, live);
      const { uid } = live.object.metadata;
      if (dryRun) return uid;
      const key = storeKey(kind, namespace, name);
      const result = await this.options.store.txn({ conditions: [{ key, revision: live.revision }], deletes: [key] });
      if (result.ok) {
        await this.options.view.settled();
        return uid;
      }
      if (preconditions.resourceVersion !== undefined) break;
    }
    throw conflict(kind, name, "the object has been modified; please try again");
  }

  private ownerOf(config: Config): string | undefined {
    const { origin } = config;
    const place = origin === undefined ? undefined : `defined in ${origin.file}:${origin.line}, change it there`;
    return this.options.ownerOf(config) ?? place;
  }

  /** The stored object; for a namespace that only exists because objects are in it, one to begin with. */
  private async readWritable(kind: Kind, namespace: string, name: string): Promise<StoredObject | undefined> {
    const known = this.options.view.get(kind, namespace, name)?.config;
    const where = known === undefined ? undefined : this.ownerOf(known);
    if (where !== undefined) throw readOnly(kind, name, where);
    const stored = await readStoredObject(this.options.store, kind, namespace, name);
    if (stored !== undefined || known === undefined) return stored;
    if (!isImplied(known)) throw readOnly(kind, name, "it was not made through this API");
    return { object: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, namespace } }, revision: 0 };
  }

  /**
   * A client that names a revision has seen the object as of then: right if it was not written since.
   *
   * @returns true where it named one
   */
  private checkVersion(kind: Kind, metadata: ObjectMeta, live: StoredObject | undefined, shown: number): boolean {
    const { resourceVersion, uid, name } = metadata;
    if (
      uid !== undefined &&
      uid !== "" &&
      live?.object.metadata.uid !== undefined &&
      uid !== live.object.metadata.uid
    ) {
      throw conflict(
        kind,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.object.metadata.uid}`,
      );
    }
    if (resourceVersion === undefined || resourceVersion === "" || resourceVersion === String(shown)) return false;
    const named = Number(resourceVersion);
    if (
      live === undefined ||
      !(named >= live.revision && named <= Math.max(this.options.view.revision, live.revision))
    ) {
      throw conflict(
        kind,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
      );
    }
    return true;
  }

  private checkPreconditions(kind: Kind, live: StoredObject, { uid, resourceVersion }: Preconditions): void {
    const { metadata } = live.object;
    if (uid !== undefined && uid !== metadata.uid) {
      throw conflict(
        kind,
        metadata.name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
      );
    }
    if (resourceVersion !== undefined && !(Number(resourceVersion) >= live.revision)) {
      throw conflict(
        kind,
        metadata.name,
        `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${live.revision}`,
      );
    }
  }

  /** Kubernetes deletes what is in a namespace with it; a slip of one word must not take a part of the mesh away. */
  private checkEmpty(name: string, live: StoredObject): void {
    const kind = namespaceKind as Kind;
    if (live.revision === 0) {
      throw conflict(kind, name, "the namespace exists because objects are in it or because the mesh needs it");
    }
    const count = this.options.view.countIn(name);
    if (count > 0)
      throw conflict(
        kind,
        name,
        `the namespace still holds ${count} object${count === 1 ? "" : "s"}; delete them first`,
      );
  }

  /** The object with what the server keeps: uid, creation, generation, owners of fields. */
  private complete(
    object: ApiObject,
    live: StoredObject | undefined,
    shown: JsonObject | undefined,
    owners: ManagedFields[] | undefined,
    author: Author,
  ): ApiObject {
    const kept = live?.object.metadata;
    const metadata =
      kept?.uid === undefined
        ? this.newMetadata(object.metadata, author.time)
        : {
            ...authored(object.metadata),
            uid: kept.uid,
            ...(kept.creationTimestamp === undefined ? {} : { creationTimestamp: kept.creationTimestamp }),
            generation: (kept.generation ?? 1) + (sameContent(object, live?.object) ? 0 : 1),
          };
    const before = readManagedFields(object.metadata.managedFields) ?? readManagedFields(kept?.managedFields) ?? [];
    return withOwners(
      { ...object, metadata },
      owners ?? ownersAfterUpdate(before, shown, object as object as JsonObject, author),
    );
  }

  private newMetadata(metadata: ObjectMeta, time: string): ObjectMeta {
    return { ...authored(metadata), uid: randomUuid(this.options.random), creationTimestamp: time, generation: 1 };
  }

  private author(manager: string, kind: Kind, version: string): Author {
    return { manager, apiVersion: apiVersionOf(kind, version), time: rfc3339(this.options.clock.now()) };
  }

  /** @returns the revision, or undefined where the object was changed meanwhile */
  private async put(live: StoredObject, kind: Kind, next: ApiObject, dryRun: boolean): Promise<number | undefined> {
    const { namespace, name } = next.metadata;
    const key = storeKey(kind, namespace, name);
    if (dryRun) {
      const revision = (await this.options.store.get(key))?.revision ?? 0;
      return revision === live.revision ? revision : undefined;
    }
    const result = await this.options.store.txn({
      conditions: [{ key, revision: live.revision }],
      puts: [{ key, value: encodeObject(kind, next) }],
    });
    return result.ok ? result.revision : undefined;
  }

  private entryOf(kind: Kind, object: ApiObject, revision: number): ViewEntry {
    const config = configOfObject(kind, object, this.options.source);
    return { kind, config, status: this.options.view.statusOf(formatConfigKey(config.key)), revision };
  }
}

/** What a client may say of an object's metadata. */
function authored(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, generateName, labels, annotations, finalizers, ownerReferences } = metadata;
  const optional = { generateName, labels, annotations, finalizers, ownerReferences };
  return {
    name,
    namespace,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function withOwners(object: ApiObject, owners: readonly ManagedFields[]): ApiObject {
  const managedFields = writeManagedFields(owners);
  return { ...object, metadata: { ...object.metadata, ...(managedFields.length === 0 ? {} : { managedFields }) } };
}

/** All versions hold the same. */
function unversioned({ apiVersion: _apiVersion, ...object }: ApiObject): unknown {
  return object;
}

/** True where nothing but metadata differs. */
function sameContent(a: ApiObject, b: ApiObject | undefined): boolean {
  const content = (object: ApiObject | undefined): unknown => {
    if (!isObject(object)) return undefined;
    const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, status: _status, ...rest } = object;
    return rest;
  };
  return sameData(content(a), content(b));
}
