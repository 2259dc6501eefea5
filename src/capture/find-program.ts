// Where the operating system's programs are.
import { existsSync } from "node:fs";
import { join } from "node:path";

/** A service's PATH often lacks the administrator's folders, so they are named. */
export const programFolders: readonly string[] = [
  "/usr/sbin",
  "/sbin",
  "/usr/local/sbin",
  "/usr/bin",
  "/bin",
  "/usr/local/bin",
];

/** The program's path; undefined where it is not installed. */
export function findProgram(name: string, folders: readonly string[] = programFolders): string | undefined {
  return folders.map((folder) => join(folder, name)).find(existsSync);
}
