// Files that only the agent's user may read: checked before they are believed, replaced in one step.
import { chmodSync, constants, lstatSync } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeError } from "../../kernel/error.ts";
import { folderRefusal, makeFolders } from "../../kernel/make-folders.ts";
import { privateFileFault } from "../../kernel/private-file.ts";
import { agentErrors } from "../errors.ts";

/**
 * Makes a folder with mode 0700, or checks that an existing one is a folder of this user; a wider mode is narrowed.
 *
 * @throws LateenError LAT4205
 */
export function preparePrivateFolder(folder: string, self: number): void {
  makeAgentFolder(folder, 0o700);
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw agentErrors.unsafeFile(`${folder} is not a folder`);
  if (found.uid !== self) throw agentErrors.unsafeFile(`${folder} belongs to user ${found.uid}, not ${self}`);
  if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** @throws LateenError LAT4205 */
export function makeAgentFolder(folder: string, mode: number): void {
  try {
    makeFolders(folder, mode);
  } catch (cause) {
    const reason = folderRefusal(cause);
    if (reason === undefined) throw cause;
    throw agentErrors.unsafeFile(`${folder} cannot be made: ${reason}`, {
      cause,
      remedy: "Run as root, or name a folder that this user can make by --data-dir.",
    });
  }
}

/**
 * Reads a file whole.
 *
 * @param limitBytes longest file
 * @returns undefined where there is none
 * @throws LateenError LAT4205 where it is a link, no plain file, of another user, or open to others; LAT4206 where it is too long
 */
export async function readPrivateFile(path: string, limitBytes: number, self: number): Promise<Uint8Array | undefined> {
  let file: FileHandle;
  try {
    // Non-blocking, or a FIFO put in its place would stop the agent here.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw agentErrors.unsafeFile(`${path} is a link`, { cause });
    throw agentErrors.unsafeFile(`${path} cannot be read`, { cause });
  }
  try {
    // The open file is looked at, not the path, which could be swapped in between.
    const found = await file.stat();
    const fault = privateFileFault(found, self);
    if (fault !== undefined) throw agentErrors.unsafeFile(`${path} ${fault}`);
    if (found.size > limitBytes) throw agentErrors.unreadableState(`${path} is longer than ${limitBytes} bytes`);
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}

/**
 * Writes a file with mode 0600 so that a crash leaves the old or the new content, never a mixture.
 *
 * @throws LateenError LAT4206 where the disk refuses; the old content stays
 */
export async function writePrivateFile(path: string, content: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  try {
    await unlink(draft).catch(() => {}); // left by a crash
    const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    const folder = await open(dirname(path), constants.O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (cause) {
    throw agentErrors.unreadableState(`${path} could not be written: ${describeError(cause)}`, {
      cause,
      remedy: "Check that the disk is neither full nor read-only.",
    });
  }
}

/** Removes a file if it is there. */
export async function removePrivateFile(folder: string, name: string): Promise<void> {
  await unlink(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}
