// Whether the machine may be sent traffic, and if not, why.
import type { AdminClient } from "../envoy/admin-client.ts";

export interface ReadinessOptions {
  admin: AdminClient;
  /** True once Envoy has taken clusters and listeners. */
  configured: () => boolean;
  /** Further conditions: why the machine is not ready, or nothing. */
  obstacles: () => readonly string[];
}

const envoyTimeoutMs = 1_000;

/** What keeps the machine from being ready, in words for an operator; empty if nothing does. */
export async function findObstacles({ admin, configured, obstacles }: ReadinessOptions): Promise<string[]> {
  const found = [...obstacles()];
  if (!configured()) found.push("Envoy has no configuration yet");
  if (!(await admin.isLive(envoyTimeoutMs))) found.push("Envoy is not live");
  return found;
}
