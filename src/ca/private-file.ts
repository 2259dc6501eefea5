// Files that hold keys: 0600 in a folder of 0700, ours alone, and replaced whole or not at all.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
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
    if (!stats.isFile()) throw caErrors.unsafeFile(`${path} is not a file`);
    if (stats.nlink !== 1) throw caErrors.unsafeFile(`${path} has other names (hard links)`);
    checkOwnerAndMode(path, stats, uid ?? lstatSync(dirname(path)).uid);
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
  if (!stats.isDirectory()) throw caErrors.unsafeFile(`${path} is not a folder`);
  checkOwnerAndMode(path, stats, uid ?? stats.uid);
  return true;
}

function checkOwnerAndMode(path: string, stats: Stats, uid: number): void {
  if (stats.uid !== uid) throw caErrors.unsafeFile(`${path} belongs to user ${stats.uid}, not to ${uid}`);
  const mode = stats.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw caErrors.unsafeFile(`${path} has the rights ${mode.toString(8).padStart(4, "0")}, so others can use it`);
  }
}

/** Writes a new file and makes it durable; the folder's entry is the caller's to sync. */
export function writeNewPrivateFile(path: string, text: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Replaces a file as a whole: after a crash it is the old or the new one.
 *
 * @param suffix makes the name of the temporary file; unpredictable
 */
export function replacePrivateFile(path: string, text: string, suffix: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${suffix}`);
  try {
    writeNewPrivateFile(temporary, text);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
  syncFolder(dirname(path));
}

export function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
