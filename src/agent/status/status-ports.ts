// The agent's two HTTP ports: 15020, what the agent says, and 15090, Envoy's metrics.
import type { Clock } from "../../kernel/clock.ts";
import type { Lifecycle } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { AgentSettings } from "../agent-settings.ts";
import type { AgentStatus } from "../agent-status.ts";
import type { MetricsPage } from "./metrics-page.ts";
import { agentRoutes, envoyMetricsRoutes } from "./status-routes.ts";
import { StatusServer } from "./status-server.ts";

export interface StatusPortsOptions {
  settings: Pick<AgentSettings, "statusAddress" | "ports">;
  page: MetricsPage;
  /** Why the machine is not ready; none where it is. */
  obstacles: () => Promise<readonly string[]>;
  status: () => AgentStatus | undefined;
  log: Log;
  clock: Clock;
}

/**
 * @returns the port of the agent's own page
 * @throws LateenError LAT4209
 */
export async function openStatusPorts(lifecycle: Lifecycle, options: StatusPortsOptions): Promise<number> {
  const { settings, page, obstacles, status } = options;
  const { statusAddress, ports } = settings;
  const agent = lifecycle.add(new StatusServer(agentRoutes(page, obstacles, status), options));
  const agentPort = await agent.listen(statusAddress, ports.agent);
  await lifecycle.add(new StatusServer(envoyMetricsRoutes(page), options)).listen(statusAddress, ports.prometheus);
  return agentPort;
}
