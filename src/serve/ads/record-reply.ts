// What an ACK or NACK leaves behind: times, metrics, the log, and word to whoever owns the objects.
import type { XdsClient } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import type { Reply } from "../../xds/subscription-request.ts";
import type { ConnectionContext } from "./connection-context.ts";
import type { TypeStream } from "./type-stream.ts";

type ReplyContext = Pick<ConnectionContext, "clock" | "metrics" | "log" | "hooks">;

/** Characters of a rejection, and names of resources, in one log line. */
const loggedLength = 1024;
const loggedNames = 16;

export function recordReply(
  reply: Reply,
  on: { type: TypeStream; client: XdsClient; connectionId: string; context: ReplyContext },
): void {
  const { type, client, connectionId, context } = on;
  switch (reply.kind) {
    case "none":
      break;
    case "stale":
      context.metrics.expiredNonces.inc({ type: type.name });
      break;
    case "ack":
      type.ackedAtMs = context.clock.now();
      type.ackedNonce = type.sentNonce;
      context.hooks.onAck?.({ connectionId, typeUrl: type.typeUrl, resources: reply.batch.resources });
      break;
    case "nack": {
      type.error = reply.message;
      context.metrics.rejects.inc({ type: type.name });
      context.log.warn("proxy rejected configuration", {
        connection: connectionId,
        node: client.node.id,
        type: type.name,
        message: reply.message.slice(0, loggedLength),
        refused: reply.refused.slice(0, loggedNames).map((resource) => resource.name),
      });
      if (reply.refused.length > 0) {
        const { typeUrl } = type;
        context.hooks.onNack?.({ client, connectionId, typeUrl, message: reply.message, resources: reply.refused });
      }
    }
  }
}

/** What the client had when it opened the type, in the very version that it is to have, counts as acknowledged. */
export function recordHeld(
  type: TypeStream,
  versions: ReadonlyMap<string, string>,
  on: { connectionId: string; context: ReplyContext },
): void {
  const { onAck } = on.context.hooks;
  if (onAck === undefined || versions.size === 0) return;
  const resources: Resource[] = [];
  for (const [name, version] of versions) {
    const resource = type.set.get(name);
    if (resource?.version === version) resources.push(resource);
  }
  onAck({ connectionId: on.connectionId, typeUrl: type.typeUrl, resources });
}
