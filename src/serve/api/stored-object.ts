// An object as it lies in the store, and its way to the view's form.
import { apiVersionOf, type Kind } from "../../config/kind.ts";
import type { ApiObject, Config, ObjectMeta } from "../../config/object.ts";
import { fromUtf8 } from "../../kernel/bytes.ts";
import { objectKey } from "../../store/object-key.ts";
import type { Store } from "../../store/store.ts";
import type { JsonObject } from "./json-tree.ts";

export interface StoredObject {
  /** As written: storage version, without resourceVersion and status. */
  object: ApiObject;
  /** Revision of its last write; 0 where it is not stored yet. */
  revision: number;
}

export function storeKey(kind: Kind, namespace: string, name: string): string {
  return objectKey({ group: kind.group, plural: kind.plural, namespace, name });
}

export async function readStoredObject(
  store: Store,
  kind: Kind,
  namespace: string,
  name: string,
): Promise<StoredObject | undefined> {
  const entry = await store.get(storeKey(kind, namespace, name));
  if (entry === undefined) return undefined;
  const object = JSON.parse(fromUtf8(entry.value)) as ApiObject;
  // A namespace of cluster-scoped kinds is empty inside and absent outside.
  return { object: { ...object, metadata: { ...object.metadata, namespace } }, revision: entry.revision };
}

/** Text for the store. */
export function encodeObject(kind: Kind, object: ApiObject): string {
  const { resourceVersion: _resourceVersion, ...metadata } = object.metadata;
  const { status: _status, ...rest } = object;
  return JSON.stringify({ ...rest, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata });
}

/** As `sources/store` makes it of the same object. */
export function configOfObject(kind: Kind, object: ApiObject, source: string): Config {
  const { apiVersion: _apiVersion, kind: _kind, metadata, status: _status, ...flat } = object;
  const { namespace, name } = metadata;
  return {
    key: { source, group: kind.group, kind: kind.kind, namespace, name },
    meta: metadata,
    spec: kind.root === "spec" ? (object.spec ?? {}) : flat,
  };
}

/** The object as a client sees it before it changes it: in the version it asked for, without status. */
export function toPatchable(object: ApiObject, apiVersion: string, resourceVersion: number): JsonObject {
  const { namespace, ...metadata } = object.metadata;
  const shown: Partial<ObjectMeta> = { ...metadata, resourceVersion: String(resourceVersion) };
  const { status: _status, ...rest } = object;
  return { ...rest, apiVersion, metadata: namespace === "" ? shown : { ...shown, namespace } };
}
