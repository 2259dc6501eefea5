// The folder that holds the agent's socket: only the proxy's user may look inside.
import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { agentErrors } from "../errors.ts";

/** A user and group, as numbers. */
export interface Owner {
  uid: number;
  gid: number;
}

/**
 * Takes the folder into this process's hands, making it if needed (its parent must exist), with mode 0700. Until it is handed over nobody else can
 * change what is in it: this process may be root, and must not be led through a link that the proxy's user put there.
 *
 * @param self numeric user of this process
 * @throws LateenError LAT4205 where the path is a link or no folder, or belongs to a third user
 */
export function claimSocketFolder(folder: string, owner: Owner | undefined, self: number): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw agentErrors.unsafeFile(`${folder} is not a folder`);
  if (found.uid !== self && found.uid !== owner?.uid) {
    throw agentErrors.unsafeFile(`${folder} belongs to user ${found.uid}`);
  }
  if (found.uid !== self) chownSync(folder, self, found.gid);
  chmodSync(folder, 0o700);
}

/** Removes a socket that an earlier process left behind; the folder must be claimed. */
export function removeStaleSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) throw agentErrors.unsafeFile(`${path} exists and is not a socket`);
  rmSync(path, { force: true });
}

/** Gives the proxy's user its socket, and then the folder. */
export function handOverSocketFolder(folder: string, path: string, owner: Owner | undefined): void {
  chmodSync(path, 0o600);
  if (owner === undefined) return;
  lchownSync(path, owner.uid, owner.gid);
  chownSync(folder, owner.uid, owner.gid);
}
