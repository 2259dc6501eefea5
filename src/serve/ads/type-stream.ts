// One type on one stream: its subscription, and what the operator sees of it.
import type { TypeStatus } from "../../contract/proxy-status.ts";
import { formatConfigRef } from "../../xds/config-ref.ts";
import type { ResourceSet } from "../../xds/generator.ts";
import type { ResourceName } from "../../xds/resource.ts";
import { routeOfPart } from "../../xds/route-part-name.ts";
import type { SetAside } from "../../xds/set-aside.ts";
import type { Sharing } from "../../xds/sharing.ts";
import { SotwSubscription } from "../../xds/sotw-subscription.ts";
import { Subscription } from "../../xds/subscription.ts";
import type { Batch, Reply } from "../../xds/subscription-request.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { noPushNotes, type PushNotes } from "../debug/push-log.ts";
import { envoyWords } from "../quarantine/envoy-words.ts";
import type { DeltaMessage, SotwMessage } from "./discovery-request.ts";
import { typeName } from "./type-name.ts";

/** Listeners or routes taken together with clusters that were sent (frozen-batch.ts). */
export interface FrozenBatch {
  readonly batch: Batch;
  readonly nonce: string;
  /** Names of load assignments that go before. */
  readonly needs: Set<string>;
}

export interface TypeStream {
  readonly typeUrl: string;
  /** Short name, for metrics. */
  readonly name: string;
  readonly set: ResourceSet;
  readonly subscription: Subscription | SotwSubscription;
  /** Ends the subscription to the set. */
  unsubscribe: () => void;
  /** Since when something waits for other types, monotonic milliseconds. */
  heldSinceMs: number | undefined;
  /** What the resources in flight need and the client has not asked for yet. */
  awaited: readonly ResourceName[];
  /** In flight for the subscription, but not sent yet. */
  frozen: FrozenBatch | undefined;
  /** Wall clock, milliseconds. */
  sentAtMs: number | undefined;
  ackedAtMs: number | undefined;
  /** Nonces of the last message sent, and of the last that was acknowledged. */
  sentNonce: string | undefined;
  ackedNonce: string | undefined;
  /** Why something waits, and what the last push was for. */
  readonly notes: PushNotes;
  /** Last message of rejection. */
  error: string | undefined;
}

/** @param sharing what the streams of one server have in common; left out, the stream has nothing in common with others */
export function openTypeStream(
  typeUrl: string,
  set: ResourceSet,
  variant: "delta" | "sotw",
  sharing?: Sharing,
): TypeStream {
  const wholeOf = typeUrl === typeUrls.routePart ? { wholeOf: routeOfPart } : {};
  return {
    typeUrl,
    name: typeName(typeUrl),
    set,
    subscription:
      variant === "delta"
        ? new Subscription(typeUrl, set, { ...wholeOf, sharing })
        : new SotwSubscription(typeUrl, set),
    unsubscribe: () => {},
    heldSinceMs: undefined,
    awaited: [],
    frozen: undefined,
    sentAtMs: undefined,
    ackedAtMs: undefined,
    sentNonce: undefined,
    ackedNonce: undefined,
    notes: noPushNotes(),
    error: undefined,
  };
}

export function receiveRequest(type: TypeStream, message: DeltaMessage | SotwMessage): Reply {
  const { subscription } = type;
  const reply =
    subscription instanceof Subscription
      ? subscription.receive(message as DeltaMessage)
      : subscription.receive(message as SotwMessage);
  // Who answers has asked for what it needs, or never will.
  if (reply.kind === "ack" || reply.kind === "nack") type.awaited = [];
  return reply;
}

/** Objects named in a status: enough to act on, and bounded. */
const objectLimit = 16;
/** Characters of Envoy's message in a status. */
const errorLength = 2048;

/** True where the client rejects something, or is kept from what others reject. */
export function isRejecting(type: TypeStream): boolean {
  if (type.subscription.refused.size > 0) return true;
  for (const _ of resourcesAside(type)) return true;
  return false;
}

function* resourcesAside({ subscription, set }: TypeStream): Iterable<SetAside> {
  for (const aside of set.setAside?.() ?? []) if (subscription.wants(aside.name)) yield aside;
}

export function typeStatus(type: TypeStream): TypeStatus {
  const { subscription, sentAtMs, ackedAtMs, error } = type;
  const status: TypeStatus = {
    state: "SYNCED",
    resources: subscription.resourceCount,
    ...(sentAtMs === undefined ? {} : { sentAt: new Date(sentAtMs).toISOString() }),
    ...(ackedAtMs === undefined ? {} : { ackedAt: new Date(ackedAtMs).toISOString() }),
  };
  const aside = [...resourcesAside(type)];
  const [first] = aside;
  if (subscription.refused.size > 0 || first !== undefined) {
    const refs = [...subscription.refused.values(), ...aside].flatMap(({ sources }) => sources.map(formatConfigRef));
    status.state = "NACK";
    const words = subscription.refused.size > 0 ? error : first?.message;
    status.error = envoyWords(words ?? "").slice(0, errorLength);
    status.objects = [...new Set(refs)].slice(0, objectLimit);
  } else if (!subscription.settled) {
    status.state = "STALE";
  }
  return status;
}
