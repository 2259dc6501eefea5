// Files that hold secrets: whether one is as private as it must be, and how one is written.
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, type Stats, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { hex } from "./bytes.ts";
import type { Random } from "./random.ts";

/**
 * Why a file may not be believed or written, if so: it is no plain file, has a second name by which others could change
 * it, belongs to another user, or is open to others.
 *
 * @param found of the open file, because a path could be swapped between the look and the use
 * @param uid the user it must belong to
 */
export function privateFileFault(found: Stats, uid: number): string | undefined {
  if (!found.isFile()) return "is not a plain file";
  if (found.nlink !== 1) return "has other names (hard links)";
  return ownerFault(found, uid);
}

/** As `privateFileFault`, for the folder around. */
export function privateFolderFault(found: Stats, uid: number): string | undefined {
  return found.isDirectory() ? ownerFault(found, uid) : "is not a folder";
}

function ownerFault(found: Stats, uid: number): string | undefined {
  if (found.uid !== uid) return `belongs to user ${found.uid}, not to ${uid}`;
  const mode = found.mode & 0o777;
  return (mode & 0o077) === 0
    ? undefined
    : `has the rights ${mode.toString(8).padStart(4, "0")}, so others can reach it`;
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
 * @param random makes the name of the temporary file, which nobody may guess
 */
export function replacePrivateFile(path: string, text: string, random: Random): void {
  const temporary = join(dirname(path), `.${basename(path)}.${hex(random.bytes(8))}`);
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
