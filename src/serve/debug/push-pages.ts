// Pages about what was pushed and why.
import type { PushSummary } from "../../contract/proxy-detail.ts";
import { typeNames } from "../ads/type-name.ts";
import { StatusError } from "../api/status-error.ts";
import { barChart } from "./bar-chart.ts";
import type { ChangeLog } from "./change-log.ts";
import type { DebugPage } from "./debug-page.ts";
import type { PushLog } from "./push-log.ts";
import { objectChange, pushSummary } from "./push-summary.ts";

/** Entries shown unless `?limit=` says otherwise. */
const shownByDefault = 100;
/** Most entries that are shown; the logs keep no more. */
const shownAtMost = 1_000;

export function pushPages(pushes: PushLog, changes: ChangeLog): DebugPage[] {
  return [
    {
      name: "pushes",
      help: "The last pushes, newest first: type, resources, bytes, proxies, and which objects and fields they were for",
      usage: "?limit=N&type=CDS",
      show: ({ query }) => {
        const type = query.get("type")?.toLowerCase();
        if (type !== undefined && !typeNames.has(type)) {
          throw new StatusError("badRequest", `type must be one of ${[...typeNames].join(", ").toUpperCase()}`);
        }
        const records = pushes.records().filter((record) => type === undefined || record.type === type);
        return records.slice(0, limitOf(query)).map(pushSummary);
      },
      draw: (shown) =>
        barChart(
          (shown as PushSummary[]).map(({ at, bytes }) => ({ atMs: Date.parse(at), value: bytes / 1_000 })),
          "kB a push",
        ),
    },
    {
      name: "changes",
      help: "The last changes of objects, newest first: created, changed or deleted, and which fields differ",
      usage: "?limit=N",
      show: ({ query }) => changes.since(0, limitOf(query)).toReversed().map(objectChange),
    },
  ];
}

function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get("limit") ?? shownByDefault);
  if (Number.isInteger(limit) && limit >= 1 && limit <= shownAtMost) return limit;
  throw new StatusError("badRequest", `limit must be from 1 to ${shownAtMost}`);
}
