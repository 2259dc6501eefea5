// One type on one stream, as a client sees it: what it asks for, and what it is sent.
import assert from "node:assert/strict";
import { ResourceTable } from "./resource-table.fake.ts";
import type { Sharing } from "./sharing.ts";
import { Subscription } from "./subscription.ts";
import type { Batch, SubscriptionRequest } from "./subscription-request.ts";

export function openStream(typeUrl: string, contents: Record<string, string> = {}) {
  return openStreamOn(new ResourceTable(typeUrl, contents));
}

export function openStreamOn(table: ResourceTable, sharing?: Sharing) {
  const subscription = new Subscription(table.typeUrl, table, { sharing });
  table.subscribe((changes) => subscription.change(changes));
  let count = 0;
  const request = (parts: Partial<Omit<SubscriptionRequest, "initialVersions">> & { held?: Record<string, string> }) =>
    subscription.receive({
      subscribe: parts.subscribe ?? [],
      unsubscribe: parts.unsubscribe ?? [],
      initialVersions: new Map(Object.entries(parts.held ?? {})),
      nonce: parts.nonce ?? "",
      rejection: parts.rejection,
    });
  const take = (limitBytes = 1 << 20): Batch | undefined => {
    count += 1;
    return subscription.take({ nonce: String(count), limitBytes, part: "all" });
  };
  /** Takes a message and acknowledges it. */
  const takeAcked = (limitBytes?: number): Batch | undefined => {
    const batch = take(limitBytes);
    if (batch !== undefined) assert.equal(request({ nonce: String(count) }).kind, "ack");
    return batch;
  };
  return { table, subscription, request, take, takeAcked, nonce: () => String(count) };
}

export const namesOf = (batch: Batch | undefined): string[] | undefined =>
  batch?.resources.map((resource) => resource.name);
