// An object as it is written → an object inside the mesh.
import type { Kind } from "../config/kind.ts";
import type { ApiObject, Config, Origin } from "../config/object.ts";

/**
 * @param source cluster id of where the object came from; part of its key
 * @param object fits the kind; its parts are shared
 */
export function configOf(kind: Kind, object: ApiObject, source: string, origin?: Origin): Config {
  const { apiVersion: _apiVersion, kind: _kind, metadata, status, ...flat } = object;
  const { namespace, name } = metadata;
  return {
    key: { source, group: kind.group, kind: kind.kind, namespace, name },
    meta: metadata,
    spec: kind.root === "spec" ? (object.spec ?? {}) : flat,
    ...(origin === undefined ? {} : { origin }),
    ...(status === undefined ? {} : { status }),
  };
}
