// `-f FILE|DIR|-`: the texts a command is given.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { cliErrors } from "../errors.ts";

export interface InputText {
  /** As named on the command line, `stdin` for `-`. */
  file: string;
  text: string;
}

/** Files of one command. */
const fileLimit = 10_000;
/** Bytes of all files together. */
const totalLimit = 64 << 20;

/**
 * Reads files, folders (their `.yaml`, `.yml` and `.json` files, by name) and standard input, in the order given.
 *
 * @param recursive also reads folders inside folders
 * @throws LateenError LAT9001 or LAT9009
 */
export async function readInput(
  paths: readonly string[],
  recursive: boolean,
  readStdin: () => Promise<string>,
): Promise<InputText[]> {
  if (paths.length === 0) {
    throw cliErrors.usage("name at least one file with -f", {
      remedy: "-f takes a file, a folder, or - for standard input.",
    });
  }
  const inputs: InputText[] = [];
  let total = 0;
  const add = (file: string, text: string): void => {
    total += text.length;
    if (inputs.length >= fileLimit) throw cliErrors.unreadableFile(`more than ${fileLimit} files were named`);
    if (total > totalLimit) throw cliErrors.unreadableFile(`the files hold more than ${totalLimit >> 20} MiB in all`);
    inputs.push({ file, text });
  };
  for (const path of paths) {
    if (path === "-") add("stdin", await readStdin());
    else if (/^https?:\/\//.test(path)) {
      throw cliErrors.usage(`${path} is an address; lateen reads files only`, {
        remedy: `Try: curl -fsS ${path} | lateen apply -f -`,
      });
    } else for (const file of filesOf(path, recursive)) add(file, readText(file, totalLimit - total));
  }
  return inputs;
}

function filesOf(path: string, recursive: boolean): string[] {
  return guard(path, () => {
    if (!statSync(path).isDirectory()) return [path];
    const found: string[] = [];
    collectFiles(path, recursive, found);
    if (found.length === 0) {
      throw cliErrors.unreadableFile(`there is no .yaml, .yml or .json file in ${path}`, {
        remedy: recursive ? "Name another folder." : "Name another folder, or add -R to look into folders inside it.",
      });
    }
    return found;
  });
}

function collectFiles(folder: string, recursive: boolean, found: string[]): void {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    // A link to a file is a file (Kubernetes mounts them so); links to folders are not followed, they may form a ring.
    if (entry.isDirectory()) {
      if (recursive) collectFiles(path, recursive, found);
    } else if (/\.(ya?ml|json)$/.test(entry.name) && (entry.isFile() || statSync(path).isFile())) {
      found.push(path);
      if (found.length > fileLimit) throw cliErrors.unreadableFile(`${folder} holds more than ${fileLimit} files`);
    }
  }
}

function readText(path: string, limit: number): string {
  return guard(path, () => {
    const { size } = statSync(path);
    if (size > limit)
      throw cliErrors.unreadableFile(`${path} is larger than ${limit} bytes, what is left of 64 MiB in all`);
    const bytes = readFileSync(path);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw cliErrors.unreadableFile(`${path} is not UTF-8`, { remedy: "Save it as UTF-8." });
    }
  });
}

function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw cliErrors.unreadableFile(`there is no file or folder ${path}`, { remedy: "Check the path." });
    if (code === "EACCES" || code === "EPERM") throw cliErrors.unreadableFile(`${path} may not be read by this user`);
    throw error;
  }
}
