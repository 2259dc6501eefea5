// The flags of every command that talks to the control plane.
import type { Command } from "commander";
import { durationFlag } from "../duration-flag.ts";

export interface ConnectionFlags {
  kubeconfig?: string;
  dataDir?: string;
  context?: string;
  insecureSkipTlsVerify?: boolean;
  /** Milliseconds. */
  requestTimeout?: number;
}

const parseTimeout = durationFlag(1, 86_400_000, "Give a duration such as 10s or 2m, up to 24h.");

/** Adds the flags of every command that talks to the control plane. */
export function addConnectionFlags(command: Command): Command {
  return command
    .option(
      "--kubeconfig <file>",
      "credentials to use (default: $LATEEN_KUBECONFIG, $KUBECONFIG, the control plane's own)",
    )
    .option("--data-dir <folder>", "use admin.kubeconfig in this data folder of lateen up")
    .option("--context <name>", "context in the kubeconfig")
    .option("--insecure-skip-tls-verify", "do not verify the server's certificate")
    .option("--request-timeout <duration>", "longest wait for an answer (default: 30s)", parseTimeout);
}
