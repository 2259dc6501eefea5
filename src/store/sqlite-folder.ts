// The data folder and the store's file: private to one user, and really a file.
import { chmodSync, closeSync, existsSync, lstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { folderRefusal, makeFolders } from "../kernel/make-folders.ts";
import { storeErrors } from "./errors.ts";

const fileName = "store.db";
/** Says that the file was complete once: without it, a file that was cut to nothing would look like a new one. */
const markName = "store.made";

/**
 * Makes the folder (0700) and the file (0600) where they are missing, and takes the rights of others away where there
 * are any.
 *
 * @param uid of this process; undefined where the system has none
 * @returns the path of the file
 * @throws LateenError LAT5005 where the file was there and is gone, or LAT5007
 */
export function prepareStoreFile(folder: string, uid: number | undefined): string {
  try {
    makeFolders(folder, 0o700);
    const stats = lstatSync(folder);
    if (!stats.isDirectory()) throw storeErrors.unsafeFolder(`${folder} is not a folder`);
    if (uid !== undefined && stats.uid !== uid) {
      throw storeErrors.unsafeFolder(`${folder} belongs to user ${stats.uid}, not to ${uid}`);
    }
    if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
    const path = join(folder, fileName);
    if (existsSync(join(folder, markName)) && !(existsSync(path) && lstatSync(path).size > 0)) {
      throw storeErrors.damaged(`${path} is missing or empty, but was not before`);
    }
    makeFile(path);
    // By path, not by handle: closing a handle would release the locks that this process holds on the file.
    const file = lstatSync(path);
    if (!file.isFile() || file.nlink !== 1 || (uid !== undefined && file.uid !== uid)) {
      throw storeErrors.unsafeFolder(`${path} is not a file of this user's own`);
    }
    // SQLite gives its log the same rights as the file.
    if ((file.mode & 0o077) !== 0) chmodSync(path, 0o600);
    return path;
  } catch (cause) {
    const reason = folderRefusal(cause);
    if (reason === undefined) throw cause;
    throw storeErrors.unsafeFolder(`${folder} cannot be used: ${reason}`, {
      cause,
      remedy: "Name a folder that this user can make and write by --data-dir.",
    });
  }
}

/** Remembers that the file is complete now. */
export function markStoreMade(folder: string): void {
  makeFile(join(folder, markName));
}

function makeFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
