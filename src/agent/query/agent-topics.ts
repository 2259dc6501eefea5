// What can be asked about the agent itself, by topic.
import type { AgentStatus } from "../agent-status.ts";
import type { CapturePart, DnsPart } from "../parts.ts";

export function agentTopics(parts: {
  status: () => AgentStatus | undefined;
  dns: DnsPart | undefined;
  capture: CapturePart | undefined;
}): Map<string, () => Promise<unknown>> {
  const { status, dns, capture } = parts;
  const topics = new Map<string, () => Promise<unknown>>([["status", async () => status() ?? null]]);
  if (dns !== undefined) topics.set("dns", () => dns.describe());
  if (capture !== undefined) topics.set("capture", () => capture.describe());
  return topics;
}
