// GET of a collection: selected objects in pages.
import type { Kind } from "../../config/kind.ts";
import { readContinueToken, writeContinueToken } from "./continue-token.ts";
import type { ObjectView, ViewEntry } from "./object-view.ts";
import type { ListOptions } from "./query-options.ts";
import type { ListMeta } from "./representation.ts";
import { StatusError } from "./status-error.ts";

export interface ObjectPage {
  entries: readonly ViewEntry[];
  metadata: ListMeta;
}

/** True where an entry is in the namespace (empty: any) and fits the selectors. */
export function selects(options: ListOptions, namespace: string, entry: ViewEntry): boolean {
  const { key, meta } = entry.config;
  return (namespace === "" || key.namespace === namespace) && options.fields(key) && options.labels(meta.labels);
}

/**
 * @param namespace empty for all
 * @throws StatusError 410 where the pages, or an exact revision, are no longer known, 504 where the revision is yet to come
 */
export function listObjects(view: ObjectView, kind: Kind, namespace: string, options: ListOptions): ObjectPage {
  const token = options.continue === undefined ? undefined : readContinueToken(options.continue);
  if (token === undefined) checkRevision(view, options);
  else if (token.revision > view.revision || view.follow(kind, token.revision) === undefined) {
    throw new StatusError("expired", "the continue token is too old; list again from the start");
  }
  const selected = view
    .list(kind, namespace)
    .filter((entry) => selects(options, namespace, entry) && (token === undefined || placeOf(entry) > token.after));
  const revision = token?.revision ?? view.revision;
  const entries = options.limit === undefined ? selected : selected.slice(0, options.limit);
  const last = entries.at(-1);
  const remaining = selected.length - entries.length;
  return {
    entries,
    metadata: {
      resourceVersion: String(revision),
      ...(remaining > 0 && last !== undefined
        ? { continue: writeContinueToken({ revision, after: placeOf(last) }), remainingItemCount: remaining }
        : {}),
    },
  };
}

function checkRevision(view: ObjectView, { resourceVersion = 0, resourceVersionMatch }: ListOptions): void {
  if (resourceVersion > view.revision) throw tooLargeRevision(resourceVersion, view.revision);
  if (resourceVersionMatch === "Exact" && resourceVersion !== view.revision) {
    throw new StatusError(
      "expired",
      `The provided resource version is unavailable: only the latest, ${view.revision}, is kept`,
    );
  }
}

/** As API servers say it; clients then list without a revision. */
function tooLargeRevision(wanted: number, present: number): StatusError {
  return new StatusError("timeout", `Too large resource version: ${wanted}, current: ${present}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

function placeOf({ config: { key } }: ViewEntry): string {
  return `${key.namespace}/${key.name}`;
}
