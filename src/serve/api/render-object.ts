// An entry of the view → the object as clients see it.
import { createHash } from "node:crypto";
import { apiVersionOf } from "../../config/kind.ts";
import { type ApiObject, formatConfigKey, type ObjectMeta } from "../../config/object.ts";
import { isFields } from "../../kernel/fields.ts";
import type { ViewEntry } from "./object-view.ts";

/** What the mesh has to say of an object that is made from the object alone; merged into its `status`. */
export type StatusProvider = (entry: ViewEntry) => Readonly<Record<string, unknown>> | undefined;

/** An object in JSON; namespace and status are left out where there are none. */
export type ShownObject = Omit<ApiObject, "metadata"> & {
  metadata: Omit<ObjectMeta, "namespace"> & { namespace?: string };
};

/** Without apiVersion, which depends on the request; made once for each entry. */
const rendered = new WeakMap<ViewEntry, Omit<ShownObject, "apiVersion">>();

/** @param version one of the kind's served versions */
export function renderObject(entry: ViewEntry, version: string, statusOf: StatusProvider): ShownObject {
  let body = rendered.get(entry);
  if (body === undefined) {
    body = renderBody(entry, statusOf);
    rendered.set(entry, body);
  }
  return { apiVersion: apiVersionOf(entry.kind, version), ...body } as ShownObject;
}

function renderBody(entry: ViewEntry, statusOf: StatusProvider): Omit<ShownObject, "apiVersion"> {
  const { kind, config, revision } = entry;
  const { namespace, uid, ...meta } = config.meta;
  const status = mergeStatus(mergeStatus(statusOf(entry), config.status), entry.status);
  return {
    kind: kind.kind,
    metadata: {
      ...meta,
      ...(namespace === "" ? {} : { namespace }),
      uid: uid ?? derivedUid(formatConfigKey(config.key)),
      // Absent in the answer to a dry run of a create.
      ...(revision === 0 ? {} : { resourceVersion: String(revision) }),
    },
    ...(kind.root === "spec" ? { spec: config.spec } : (config.spec as object)),
    ...(status === undefined ? {} : { status }),
  };
}

/** Fields of the second stand over those of the first; conditions of both are listed. */
function mergeStatus(made: unknown, told: unknown): unknown {
  if (!isFields(made)) return told ?? made;
  if (!isFields(told)) return told ?? made;
  const conditions = [...listOf(made["conditions"]), ...listOf(told["conditions"])];
  return { ...made, ...told, ...(conditions.length === 0 ? {} : { conditions }) };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Objects that nobody created through the API have no uid; theirs is made of their key, so that it stays. */
function derivedUid(key: string): string {
  const hex = createHash("sha256").update(key).digest("hex");
  // Version 8 and the variant of RFC 9562.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
