// Which kubeconfig to use, and its text.
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cliErrors } from "../errors.ts";
import { type KubeconfigFile, kubeconfigLimit } from "./kubeconfig.ts";

/** Where `lateen up` keeps the control plane's data unless told otherwise. */
export const defaultDataDir = "/var/lib/lateen/control";

/**
 * The first of: `--kubeconfig`, `--data-dir`'s admin.kubeconfig, LATEEN_KUBECONFIG, KUBECONFIG (a list, missing files
 * are left out), the admin.kubeconfig of the default data folder.
 *
 * @throws LateenError LAT9002 where none can be read
 */
export function findKubeconfig(
  flags: { kubeconfig?: string | undefined; dataDir?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): KubeconfigFile[] {
  if (flags.kubeconfig !== undefined) return [read(flags.kubeconfig)];
  if (flags.dataDir !== undefined) return [read(join(flags.dataDir, "admin.kubeconfig"))];
  const own = env["LATEEN_KUBECONFIG"];
  if (own !== undefined && own !== "") return [read(own)];
  const shared = env["KUBECONFIG"];
  if (shared !== undefined && shared !== "") {
    const files = shared.split(delimiter).filter((path) => path !== "");
    const found = files.flatMap((path) => readIfPresent(path) ?? []);
    if (found.length > 0) return found;
    throw cliErrors.noCredentials(`KUBECONFIG names ${files.join(", ")}, and there is no such file`);
  }
  const fallback = join(defaultDataDir, "admin.kubeconfig");
  const file = readIfPresent(fallback);
  if (file !== undefined) return [file];
  throw cliErrors.noCredentials(
    `no credentials: --kubeconfig, LATEEN_KUBECONFIG and KUBECONFIG are not set, and ${fallback} does not exist`,
  );
}

function read(path: string): KubeconfigFile {
  const file = readIfPresent(path);
  if (file === undefined) throw cliErrors.noCredentials(`there is no kubeconfig at ${path}`);
  return file;
}

function readIfPresent(path: string): KubeconfigFile | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return { path, text: text.slice(0, kubeconfigLimit + 1) };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EACCES" || code === "EPERM") {
      throw cliErrors.noCredentials(`the kubeconfig ${path} may not be read by this user`, {
        remedy: "Run the command as root, or with a kubeconfig of your own.",
      });
    }
    throw cliErrors.noCredentials(`the kubeconfig ${path} cannot be read (${code ?? "unknown"})`, { cause });
  }
}
