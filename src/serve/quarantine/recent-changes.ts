// Which objects changed lately: who made something that goes wrong is mostly who changed last.
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { ChangeLog } from "../debug/change-log.ts";

/** Changes that are looked through. */
const recentLimit = 200;

/** Objects that changed together in one list, the last first. */
export function recentChanges(changes: Pick<ChangeLog, "since">): ConfigRef[][] {
  const found: ConfigRef[][] = [];
  let atMs: number | undefined;
  for (const change of changes.since(0, recentLimit).reverse()) {
    if (change.atMs === atMs) found.at(-1)?.push(change.ref);
    else found.push([change.ref]);
    atMs = change.atMs;
  }
  return found;
}
