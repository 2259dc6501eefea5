// A record of the push log as the API shows it.
import type { ObjectChange, PushSummary } from "../../contract/proxy-detail.ts";
import { formatConfigRef } from "../../xds/config-ref.ts";
import type { ConfigChange } from "./change-log.ts";
import type { PushRecord } from "./push-log.ts";

export function pushSummary(record: PushRecord): PushSummary {
  return {
    number: record.number,
    at: new Date(record.firstAtMs).toISOString(),
    lastAt: new Date(record.lastAtMs).toISOString(),
    type: record.type.toUpperCase(),
    reason: record.trigger,
    proxies: record.proxies,
    resources: record.resources,
    removed: record.removed,
    bytes: record.bytes,
    names: [...record.names],
    removedNames: [...record.removedNames],
    why: record.changes.map(objectChange),
    ...(record.moreChanges === 0 ? {} : { moreWhy: record.moreChanges }),
  };
}

export function objectChange({ number, atMs, ref, change, fields, more }: ConfigChange): ObjectChange {
  return {
    number,
    at: new Date(atMs).toISOString(),
    object: formatConfigRef(ref),
    change,
    fields: [...fields],
    ...(more ? { moreFields: true } : {}),
  };
}
