// A stream in detail, for the debug pages: made when somebody looks, and never kept.
import type { HeldResource, ProxyDetail, TypeDetail } from "../../contract/proxy-detail.ts";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import type { ClientView, XdsClient } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import { pushSummary } from "../debug/push-summary.ts";
import { type TypeStream, typeStatus } from "./type-stream.ts";

/** Names listed of one type. */
const listLimit = 5_000;

export interface ConnectionLook {
  readonly id: string;
  /** IP address of the connection's other end. */
  readonly address: string;
  readonly client: XdsClient;
  readonly view: ClientView;
  readonly status: ProxyStatus;
  /** In push order. */
  readonly types: readonly TypeStream[];
  /** Of the message on its way. */
  readonly waitingBytes: number;
}

/** @param options.all lists what is in step, too */
export function proxyDetail(look: ConnectionLook, options: { all: boolean }): ProxyDetail {
  return {
    connection: look.id,
    address: look.address,
    proxy: look.status,
    labels: { ...look.client.node.labels },
    details: look.types.map((type) => typeDetail(type, options.all)),
  };
}

function typeDetail(type: TypeStream, all: boolean): TypeDetail {
  const { subscription, sentNonce, ackedNonce, notes } = type;
  const list = heldResources(type, all);
  const flight = subscription.batchInFlight;
  return {
    type: type.name.toUpperCase(),
    typeUrl: type.typeUrl,
    ...typeStatus(type),
    ...(sentNonce === undefined ? {} : { sentNonce }),
    ...(ackedNonce === undefined ? {} : { ackedNonce }),
    waiting: subscription.behindCount,
    sent: flight === undefined ? 0 : flight.resources.length + flight.removed.length,
    refused: subscription.refused.size,
    list,
    ...(notes.lastPush === undefined ? {} : { lastPush: pushSummary(notes.lastPush) }),
  };
}

function heldResources({ subscription, set }: TypeStream, all: boolean): HeldResource[] {
  const found = new Map<string, HeldResource>();
  const add = (name: string, state: HeldResource["state"], held?: string): void => {
    if (found.size >= listLimit || found.has(name)) return;
    const version = set.get(name)?.version;
    found.set(name, {
      name,
      ...(version === undefined ? {} : { version }),
      ...(held === undefined ? {} : { held }),
      state,
    });
  };
  for (const [name, held] of subscription.behindNames()) add(name, "waiting", held);
  const flight = subscription.batchInFlight;
  for (const { name } of flight?.resources ?? []) add(name, "sent");
  for (const name of flight?.removed ?? []) add(name, "sent");
  for (const name of subscription.refused.keys()) add(name, "refused");
  if (all) for (const { name } of subscription.wantedResources() as Iterable<Resource>) add(name, "acknowledged");
  return [...found.values()];
}
