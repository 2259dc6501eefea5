// Puts the bootstrap where Envoy's user can read it, in a folder that this user cannot change.
import { chmodSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentSettings } from "../agent-settings.ts";
import { agentErrors } from "../errors.ts";
import { makeAgentFolder } from "../storage/private-file.ts";
import { buildBootstrap } from "./bootstrap.ts";
import type { NodeInput } from "./node.ts";

/** Istio's name of the file. */
const fileName = "envoy-rev.json";

/**
 * Makes the folder for what a reboot may take: others may enter it, but only this process writes.
 *
 * @throws LateenError LAT4205 where the folder is somebody else's
 */
export function prepareRunFolder({ runFolder, self }: Pick<AgentSettings, "runFolder" | "self">): void {
  makeAgentFolder(runFolder, 0o755);
  const found = lstatSync(runFolder);
  if (!found.isDirectory() || found.uid !== self) {
    throw agentErrors.unsafeFile(`${runFolder} is not a folder of user ${self}`);
  }
}

/** @returns path of the file, in the prepared folder */
export function writeBootstrap(
  settings: AgentSettings,
  node: NodeInput,
  made: { socketPath: string; agentPort: number },
): string {
  const { runFolder, ports, statusAddress, maxDownstreamConnections } = settings;
  const path = join(runFolder, fileName);
  const bootstrap = buildBootstrap({
    node,
    socketPath: made.socketPath,
    adminPort: ports.admin,
    agentPort: made.agentPort,
    statusAddress,
    statusPort: ports.status,
    maxDownstreamConnections,
  });
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(bootstrap), { flag: "wx" });
  // It holds no secret; Envoy may run as another user.
  chmodSync(path, 0o644);
  return path;
}
