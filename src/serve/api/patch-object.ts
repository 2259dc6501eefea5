// PATCH: what each format makes of an object.
import type { Kind } from "../../config/kind.ts";
import { bodyText, decodeObject, mediaType } from "./body-value.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { isObject, type JsonObject, parseJson } from "./json-tree.ts";
import type { Author, ManagedFields } from "./managed-fields.ts";
import { applyMergePatch, withoutDirectives } from "./merge-patch.ts";
import type { Change } from "./object-writer.ts";
import type { WriteOptions } from "./query-options.ts";
import { applyConfiguration } from "./server-side-apply.ts";
import { StatusError } from "./status-error.ts";

export interface ParsedPatch {
  /** True for server-side apply, which makes the object where it does not exist. */
  creates: boolean;
  compute: (live: JsonObject | undefined, owners: ManagedFields[], author: Author) => Change;
}

/** @throws StatusError 400 or 415 */
export function parsePatch(
  bytes: Uint8Array,
  contentType: string | undefined,
  target: { kind: Kind; name: string },
  options: WriteOptions,
): ParsedPatch {
  const { kind } = target;
  switch (mediaType(contentType)) {
    case "application/merge-patch+json": {
      const patch = parseJson(bodyText(bytes));
      return { creates: false, compute: (live) => ({ value: applyMergePatch(live, patch) }) };
    }
    case "application/json-patch+json": {
      const patch = parseJson(bodyText(bytes));
      return { creates: false, compute: (live) => ({ value: applyJsonPatch(live, patch) }) };
    }
    case "application/strategic-merge-patch+json": {
      // Custom resources have no strategy, so API servers refuse it for them.
      if (kind.group !== "") throw unknownFormat(kind);
      const patch = withoutDirectives(parseJson(bodyText(bytes)));
      return { creates: false, compute: (live) => ({ value: applyMergePatch(live, patch) }) };
    }
    case "application/apply-patch+yaml":
      return parseApply(bytes, target, options);
    default:
      throw unknownFormat(kind);
  }
}

function parseApply(
  bytes: Uint8Array,
  { kind, name }: { kind: Kind; name: string },
  options: WriteOptions,
): ParsedPatch {
  if (options.fieldManager === undefined) {
    throw new StatusError("badRequest", "fieldManager is required for apply patch");
  }
  const configuration = decodeObject(bodyText(bytes));
  if (!isObject(configuration)) throw new StatusError("badRequest", "the body must be an object");
  const metadata = isObject(configuration["metadata"]) ? configuration["metadata"] : {};
  if (metadata["managedFields"] !== undefined) {
    throw new StatusError("badRequest", "metadata.managedFields must be nil");
  }
  return {
    creates: true,
    compute(live, owners, author) {
      const applied = applyConfiguration(live, owners, configuration, author, options.force);
      if (applied.outcome === "conflict") {
        const { causes } = applied;
        const fields = causes.map(({ message, field }) => `${message}: ${field}`);
        const count = `Apply failed with ${causes.length} conflict${causes.length === 1 ? "" : "s"}: `;
        throw new StatusError("conflict", count + fields.join("; "), {
          name,
          group: kind.group,
          kind: kind.plural,
          causes,
        });
      }
      const { apiVersion, kind: kindName } = configuration;
      const merged = applied.object;
      const kept = isObject(merged["metadata"]) ? merged["metadata"] : {};
      const { name: ownName = kept["name"], namespace = kept["namespace"], uid, resourceVersion } = metadata;
      const stated = Object.entries({ name: ownName, namespace, uid, resourceVersion }).filter(
        ([, v]) => v !== undefined,
      );
      return {
        value: { ...merged, apiVersion, kind: kindName, metadata: { ...kept, ...Object.fromEntries(stated) } },
        owners: applied.owners,
      };
    },
  };
}

function unknownFormat(kind: Kind): StatusError {
  const types = [
    "application/json-patch+json",
    "application/merge-patch+json",
    ...(kind.group === "" ? ["application/strategic-merge-patch+json"] : []),
    "application/apply-patch+yaml",
  ];
  return new StatusError(
    "unsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${types.join(", ")}`,
  );
}
