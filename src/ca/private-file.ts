// Reads files that hold keys: 0600 in a folder of 0700, and ours alone.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { privateFileFault, privateFolderFault } from "../kernel/private-file.ts";
import { caErrors } from "./errors.ts";

/** Larger than any key or bundle, bytes. */
const sizeLimit = 256 << 10;

/**
 * Reads a file of this user's own.
 *
 * @param uid of this process; undefined where the system has none: then only the folder's owner is compared
 * @returns undefined where there is no such file
 * @throws LateenError LAT3101
 */
export function readPrivateFile(path: string, uid: number | undefined): string | undefined {
  let file: number;
  try {
    // A FIFO would block the open, a link could lead anywhere.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw caErrors.unsafeFile(`${path} cannot be opened as a file`, { cause });
  }
  try {
    const stats = fstatSync(file);
    const fault = privateFileFault(stats, uid ?? lstatSync(dirname(path)).uid);
    if (fault !== undefined) throw caErrors.unsafeFile(`${path} ${fault}`);
    if (stats.size > sizeLimit) throw caErrors.brokenFiles(`${path} is larger than ${sizeLimit} bytes`);
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/**
 * Checks that a folder is one, and this user's alone.
 *
 * @returns false where there is none
 * @throws LateenError LAT3101
 */
export function checkPrivateFolder(path: string, uid: number | undefined): boolean {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false;
    throw caErrors.unsafeFile(`${path} cannot be looked at`, { cause });
  }
  const fault = privateFolderFault(stats, uid ?? stats.uid);
  if (fault !== undefined) throw caErrors.unsafeFile(`${path} ${fault}`);
  return true;
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
