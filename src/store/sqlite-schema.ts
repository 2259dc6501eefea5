// The layout of the store's file, its migrations, and the check of what it holds.
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { storeErrors } from "./errors.ts";

/** Each step brings the layout from its index to the next; a released step never changes. */
const migrations: readonly string[] = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
   INSERT INTO meta VALUES ('revision_ceiling', 0), ('compacted_through', 0);
   CREATE TABLE entries (key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, revision INTEGER NOT NULL, sum INTEGER NOT NULL);
   CREATE TABLE history (
     revision INTEGER NOT NULL, ordinal INTEGER NOT NULL, key TEXT NOT NULL, value BLOB, sum INTEGER NOT NULL,
     PRIMARY KEY (revision, ordinal)
   );`,
];

/** @throws LateenError LAT5006 where the file is newer than this program */
export function migrate(database: DatabaseSync): void {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length) {
    throw storeErrors.wrongVersion(`the store has layout ${version}, this version knows up to ${migrations.length}`);
  }
  for (let step = version; step < migrations.length; step++) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[step]} PRAGMA user_version = ${step + 1}; COMMIT`);
  }
}

/** CRC-32 of a row: SQLite checks its own structure but not what the rows hold. */
export function rowSum(key: string, value: Uint8Array | null, revision: number): number {
  const head = crc32(`${key} ${revision} ${value === null ? "-" : value.length} `);
  return value === null ? head : crc32(value, head);
}

/** Keys that an error names; the rest are counted. */
const namedKeys = 10;

/**
 * Checks structure and content. Damage of the history costs nobody data, so it is only reported.
 *
 * @returns what is wrong with the history, or undefined
 * @throws LateenError LAT5005 naming what is damaged
 */
export function checkIntegrity(database: DatabaseSync): string | undefined {
  const faults = (database.prepare("PRAGMA integrity_check(10)").all() as { integrity_check: string }[])
    .map((row) => row.integrity_check)
    .filter((text) => text !== "ok");
  if (faults.length > 0) throw storeErrors.damaged(`the store's file is damaged: ${faults.join("; ")}`);
  const entries = badRows(database, "entries");
  if (entries.length > 0) throw storeErrors.damaged(`the store's file is damaged at ${nameKeys(entries)}`);
  const history = badRows(database, "history");
  return history.length === 0 ? undefined : `the history is damaged at ${nameKeys(history)}`;
}

function badRows(database: DatabaseSync, table: "entries" | "history"): string[] {
  const bad: string[] = [];
  for (const row of database.prepare(`SELECT key, value, revision, sum FROM ${table}`).iterate()) {
    const { key, value, revision, sum } = row as { key: string; value: Uint8Array; revision: number; sum: number };
    if (rowSum(key, value, revision) !== sum) bad.push(key);
  }
  return bad;
}

function nameKeys(keys: readonly string[]): string {
  const rest = keys.length - namedKeys;
  return keys.slice(0, namedKeys).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
