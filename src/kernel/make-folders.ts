// Makes a folder and those above it, and says in words why it cannot.
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * As `mkdir -p`. Node's own `recursive` turns for ever where a file system refuses with ENOENT below a folder that is
 * there, as /proc does.
 *
 * @param mode of each folder that is made
 * @throws the system's error
 */
export function makeFolders(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (existsSync(path)) return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path || existsSync(parent)) throw error;
    makeFolders(parent, mode);
    makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody was faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "its file system is read-only",
  ENOTDIR: "a part of its path is a file",
  ENOENT: "its file system takes no new folders",
  ENOSPC: "its file system is full",
  ELOOP: "its path goes round in links",
  ENAMETOOLONG: "its path is too long",
};

/** Why a folder or a file in it cannot be used, for the system's error; undefined for other errors. */
export function folderRefusal(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error)) return undefined;
  const { code = "" } = error as NodeJS.ErrnoException;
  return reasons[code] ?? error.message;
}
