// Where the agent keeps what a reboot may take.
import { join } from "node:path";
import type { CommandContext } from "./context.ts";

/** `LATEEN_RUN_DIR`, else /run/lateen for root, else a folder in the data folder. */
export function runFolderOf(context: Pick<CommandContext, "env">, dataDir: string): string {
  return context.env["LATEEN_RUN_DIR"] ?? (process.getuid?.() === 0 ? "/run/lateen" : join(dataDir, "run"));
}
