// What each of the agent's ports answers.
import type { MetricsPage } from "./metrics-page.ts";
import { prometheusType, type StatusAnswer, type StatusRoutes } from "./status-server.ts";

/** 15020: readiness (which 15021 leads to through Envoy) and everything that can be measured. */
export function agentRoutes(page: MetricsPage, obstacles: () => Promise<readonly string[]>): StatusRoutes {
  const metrics = async (): Promise<StatusAnswer> => ({
    status: 200,
    contentType: prometheusType,
    body: await page.merged(),
  });
  return new Map([
    ["/metrics", metrics],
    ["/stats/prometheus", metrics],
    ["/healthz/ready", () => readiness(obstacles)],
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

async function envoyMetrics(page: MetricsPage): Promise<StatusAnswer> {
  const body = await page.envoy();
  return body === undefined
    ? { status: 503, contentType: "text/plain", body: "Envoy does not answer\n" }
    : { status: 200, contentType: prometheusType, body };
}
