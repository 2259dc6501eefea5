// The folder that holds the agent's sockets: only the proxy's user may look inside.
import { chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { agentErrors } from "../errors.ts";

/** A user and group, as numbers. */
export interface Owner {
  uid: number;
  gid: number;
}

/**
 * Makes the folder with mode 0700 for the owner, or takes an existing one into its hands.
 *
 * @param owner who may enter; `undefined` for the user this process runs as
 * @throws LateenError LAT4205 where the path is a link or no folder, or belongs to somebody else
 */
export function prepareSocketFolder(folder: string, owner: Owner | undefined, self: number): void {
  mkdirSync(dirname(folder), { recursive: true });
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
  // The owner is changed last: once it belongs to the proxy's user, that user could swap what is inside.
  chmodSync(folder, 0o700);
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
}

/**
 * Removes a socket that an earlier process left behind.
 *
 * @throws LateenError LAT4205 where something else lies there
 */
export function removeStaleSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw agentErrors.unsafeFile(`${path} exists and is not a socket`);
  unlinkSync(path);
}
