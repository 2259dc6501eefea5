// One delta ADS stream of Envoy, answered from the agent's cache.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { pushOrder, typeUrls } from "../../xds/type-url.ts";
import { agentErrors } from "../errors.ts";
import type { CallListener, GrpcCall } from "../grpc/server-call.ts";
import { edsServiceName } from "./eds-service-name.ts";
import type { DeltaResponse, Verdict } from "./envoy-response.ts";
import { EnvoySubscription, subscriptionLimit } from "./envoy-subscription.ts";
import type { CacheChange, CachedResource, ResourceCache } from "./resource-cache.ts";
import { SendOrder } from "./send-order.ts";
import { UpdatePace } from "./update-pace.ts";

/** What a stream needs of the relay. */
export interface EnvoyStreamHost {
  cacheOf(typeUrl: string): ResourceCache;
  /** The stream's subscriptions to a type are other ones than before. */
  subscribed(typeUrl: string): void;
  /** Envoy decided on names that were sent on this stream. */
  decided(typeUrl: string, verdict: Verdict): void;
  /** A listener or route was sent although Envoy has not taken all that it names. */
  overdue(typeUrl: string, name: string, waitedMs: number): void;
  /** Whatever could be sent on this stream has been sent. */
  settled(): void;
  closed(stream: EnvoyStream): void;
}

/** Types that a stream may ask for; Envoy knows about a dozen. */
const typeLimit = 32;

export class EnvoyStream implements CallListener {
  private readonly call: GrpcCall;
  private readonly host: EnvoyStreamHost;
  private readonly clock: Clock;
  private readonly types = new Map<string, EnvoySubscription>();
  private nonce = 0;
  private readonly order: SendOrder;
  private readonly routePace: UpdatePace;
  private cancelRest: Cancel | undefined;
  private open = true;

  constructor(call: GrpcCall, host: EnvoyStreamHost, clock: Clock) {
    this.call = call;
    this.host = host;
    this.clock = clock;
    this.order = new SendOrder({
      types: this.types,
      clock,
      wake: () => this.pump(),
      overdue: (typeUrl, name, waitedMs) => host.overdue(typeUrl, name, waitedMs),
    });
    this.routePace = new UpdatePace(clock);
  }

  subscription(typeUrl: string): EnvoySubscription | undefined {
    return this.types.get(typeUrl);
  }

  message(bytes: Uint8Array): void {
    const request = decodeRequest(bytes);
    const { typeUrl } = request;
    if (!typeUrl.startsWith("type.googleapis.com/envoy.")) return; // nothing that Envoy could ask for
    const subscription = this.typeOf(typeUrl);
    if (request.responseNonce !== "") this.answer(subscription, request);
    const { resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request;
    if (request.responseNonce === "" || subscribe.length > 0 || unsubscribe.length > 0) {
      if (subscription.names.size + subscribe.length > subscriptionLimit) {
        throw agentErrors.tooManyCalls(`more than ${subscriptionLimit} names of ${typeUrl} were subscribed to`);
      }
      subscription.request(subscribe, unsubscribe, request.initialResourceVersions);
      this.host.subscribed(typeUrl);
    }
    this.pump();
  }

  closed(): void {
    this.open = false;
    this.order.stop();
    this.cancelRest?.();
    this.host.closed(this);
  }

  /** The cache changed. */
  changed(change: CacheChange): void {
    const subscription = this.types.get(change.typeUrl);
    if (subscription === undefined) return;
    subscription.changed(change);
    this.pump();
  }

  private typeOf(typeUrl: string): EnvoySubscription {
    let subscription = this.types.get(typeUrl);
    if (subscription === undefined) {
      if (this.types.size >= typeLimit) throw agentErrors.tooManyCalls(`more than ${typeLimit} types on one stream`);
      const cache = this.host.cacheOf(typeUrl);
      subscription = new EnvoySubscription(cache, (resource) => this.order.replaced(typeUrl, resource));
      this.types.set(typeUrl, subscription);
    }
    return subscription;
  }

  private answer(subscription: EnvoySubscription, request: DeltaDiscoveryRequest): void {
    const verdict = subscription.answer(request.responseNonce, request.errorDetail?.message);
    if (verdict === undefined) return;
    if (subscription.typeUrl === typeUrls.route) this.routePace.answered();
    this.host.decided(subscription.typeUrl, verdict);
  }

  /** Sends what can be sent: at most one response of each type in flight, clusters before what names them. */
  private pump(): void {
    if (!this.open) return;
    let isSettled = false;
    for (const subscription of this.inPushOrder()) isSettled = this.sendDue(subscription) || isSettled;
    const clusters = this.types.get(typeUrls.cluster);
    // What turned out to be there already may have been what a removal waited for, and Envoy answers nothing about it.
    if (isSettled && clusters !== undefined) this.sendDue(clusters);
    this.order.settle();
    this.host.settled();
  }

  /** Sends the next response of a type; true where there was none, and nothing is due any more. */
  private sendDue(subscription: EnvoySubscription): boolean {
    if (!subscription.hasDue || subscription.inFlight || this.rests(subscription)) return false;
    const nonce = `${this.nonce + 1}`;
    const response = subscription.next(nonce, this.order.permit(subscription.typeUrl));
    if (response === undefined) return !subscription.hasDue;
    this.nonce += 1;
    if (subscription.typeUrl === typeUrls.route) this.routePace.sent();
    this.call.send(encodeResponse(subscription.typeUrl, nonce, response));
    this.forceFollowers(subscription.typeUrl, response.resources);
    return false;
  }

  /** True while Envoy is to be left alone with new versions of routes; then they are sent later. */
  private rests(subscription: EnvoySubscription): boolean {
    if (subscription.typeUrl !== typeUrls.route) return false;
    const { restMs } = this.routePace;
    if (restMs === 0 || !subscription.hasOnlyUpdates) return false;
    this.cancelRest ??= this.clock.after(restMs, () => {
      this.cancelRest = undefined;
      this.pump();
    });
    return true;
  }

  private *inPushOrder(): IterableIterator<EnvoySubscription> {
    for (const typeUrl of pushOrder) {
      const subscription = this.types.get(typeUrl);
      if (subscription !== undefined) yield subscription;
    }
    for (const [typeUrl, subscription] of this.types) if (!pushOrder.includes(typeUrl)) yield subscription;
  }

  /**
   * Envoy keeps a new or changed EDS cluster warming until its load assignment comes, even where it holds one, and does not ask
   * for it; a changed listener waits for its routes alike.
   */
  private forceFollowers(typeUrl: string, sent: readonly CachedResource[]): void {
    if (typeUrl === typeUrls.cluster) {
      const endpoints = this.types.get(typeUrls.endpoint);
      if (endpoints === undefined) return;
      for (const cluster of sent) {
        const name = edsServiceName(cluster.body);
        if (name !== undefined) endpoints.force(name);
      }
    } else if (typeUrl === typeUrls.listener) {
      const routes = this.types.get(typeUrls.route);
      if (routes === undefined) return;
      for (const name of routes.names) {
        // A listener that names the route configuration has its name among its bytes. A false match costs one repeated
        // response, which Envoy drops by its hash.
        if (sent.some((listener) => viewOf(listener.body).includes(name))) routes.force(name);
      }
    }
  }
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function decodeRequest(bytes: Uint8Array): DeltaDiscoveryRequest {
  try {
    return fromBinary(DeltaDiscoveryRequestSchema, bytes);
  } catch (cause) {
    throw agentErrors.badStreamMessage("a delta discovery request of Envoy could not be decoded", { cause });
  }
}

function encodeResponse(typeUrl: string, nonce: string, response: DeltaResponse): Uint8Array {
  return toBinary(
    DeltaDiscoveryResponseSchema,
    create(DeltaDiscoveryResponseSchema, {
      typeUrl,
      nonce,
      resources: response.resources.map(({ name, version, bodyType, body }) => ({
        name,
        version,
        resource: { typeUrl: bodyType, value: body },
      })),
      removedResources: [...response.removed],
    }),
  );
}
