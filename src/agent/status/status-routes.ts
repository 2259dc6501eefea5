// What each of the agent's ports answers.
import type { AgentStatus } from "../agent-status.ts";
import type { MetricsPage } from "./metrics-page.ts";
import { prometheusType, type StatusAnswer, type StatusRoutes } from "./status-server.ts";

/** What the agent says of itself, as JSON. */
export const statusPath = "/status";

/** 15020: readiness (which 15021 leads to through Envoy) and everything that can be measured. */
export function agentRoutes(
  page: MetricsPage,
  obstacles: () => Promise<readonly string[]>,
  status: () => AgentStatus | undefined,
): StatusRoutes {
  const metrics = async (): Promise<StatusAnswer> => ({
    status: 200,
    contentType: prometheusType,
    body: await page.merged(),
  });
  return new Map<string, (fromHere: boolean) => Promise<StatusAnswer>>([
    ["/metrics", metrics],
    ["/stats/prometheus", metrics],
    ["/healthz/ready", () => readiness(obstacles)],
    [statusPath, async (fromHere) => ownStatus(fromHere, status())],
  ]);
}

/** 15090: Envoy's metrics with Istio's names, which plain Envoy cannot give by itself. */
export function envoyMetricsRoutes(page: MetricsPage): StatusRoutes {
  return new Map([["/stats/prometheus", () => envoyMetrics(page)]]);
}

async function readiness(obstacles: () => Promise<readonly string[]>): Promise<StatusAnswer> {
  const found = await obstacles();
  return found.length === 0
    ? { status: 200, contentType: "text/plain", body: "ready\n" }
    : { status: 503, contentType: "text/plain", body: `not ready: ${found.join("; ")}\n` };
}

/** Names the control plane and who the machine is, which is for its operators and nobody on the network. */
function ownStatus(fromHere: boolean, status: AgentStatus | undefined): StatusAnswer {
  if (!fromHere) return { status: 403, contentType: "text/plain", body: "only for callers on this machine\n" };
  return status === undefined
    ? { status: 503, contentType: "text/plain", body: "the agent has not started yet\n" }
    : { status: 200, contentType: "application/json", body: `${JSON.stringify(status)}\n` };
}

async function envoyMetrics(page: MetricsPage): Promise<StatusAnswer> {
  const body = await page.envoy();
  return body === undefined
    ? { status: 503, contentType: "text/plain", body: "Envoy does not answer\n" }
    : { status: 200, contentType: prometheusType, body };
}
