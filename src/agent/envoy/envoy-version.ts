// What an Envoy binary says of itself.
import { runCommand } from "../../kernel/command.ts";
import { agentErrors } from "../errors.ts";

export interface EnvoyVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** `1.40.0/Clean/RELEASE/BoringSSL` as printed. */
  readonly build: string;
}

/** The oldest Envoy that takes everything Lateen sends. */
export const oldestEnvoy = { major: 1, minor: 37 };

/** Longest wait for `envoy --version`, milliseconds; a cold disk reads 100 MB first. */
const answerLimitMs = 20_000;

/**
 * Reads the output of `envoy --version`: `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
 *
 * @returns undefined where it is something else
 */
export function parseEnvoyVersion(output: string): EnvoyVersion | undefined {
  const parts = /version: [0-9a-zA-Z]+\/((\d{1,4})\.(\d{1,4})\.(\d{1,4})[-\w]*\/\S*)/.exec(output.slice(0, 4096));
  if (parts === null) return undefined;
  const [, build = "", major, minor, patch] = parts;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), build };
}

/**
 * Runs the binary to learn its version.
 *
 * @throws LateenError LAT4202 where it is too old or says nothing sensible, LAT4001 where it cannot be run
 */
export async function checkEnvoyVersion(path: string): Promise<EnvoyVersion> {
  const { stdout } = await runCommand(path, ["--version"], { signal: AbortSignal.timeout(answerLimitMs) });
  const version = parseEnvoyVersion(stdout);
  if (version === undefined) throw agentErrors.envoyTooOld(`${path} does not tell an Envoy version`);
  const { major, minor } = version;
  if (major < oldestEnvoy.major || (major === oldestEnvoy.major && minor < oldestEnvoy.minor)) {
    throw agentErrors.envoyTooOld(
      `${path} is Envoy ${major}.${minor}.${version.patch}; ${oldestEnvoy.major}.${oldestEnvoy.minor} or newer is needed`,
    );
  }
  return version;
}
