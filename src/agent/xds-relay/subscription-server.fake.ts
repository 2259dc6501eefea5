// The control plane's real half of delta xDS over a stream in memory, which carries one message at a time when told to.
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { ResourceTable } from "../../xds/resource-table.fake.ts";
import { routeOfPart } from "../../xds/route-part-name.ts";
import { Subscription } from "../../xds/subscription.ts";
import type { Batch } from "../../xds/subscription-request.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { UpstreamListener } from "./xds-relay.ts";

interface Stream {
  readonly types: Map<string, Subscription>;
  readonly toServer: DeltaDiscoveryRequest[];
  readonly toClient: Uint8Array[];
  listener: UpstreamListener | undefined;
}

export class SubscriptionServer {
  private readonly tables = new Map<string, ResourceTable>();
  private stream: Stream | undefined;
  private nonces = 0;

  get connected(): boolean {
    return this.stream !== undefined;
  }

  table(typeUrl: string): ResourceTable {
    const found = this.tables.get(typeUrl) ?? new ResourceTable(typeUrl);
    if (!this.tables.has(typeUrl)) {
      this.tables.set(typeUrl, found);
      found.subscribe((changes) => this.stream?.types.get(typeUrl)?.change(changes));
    }
    return found;
  }

  /** About how long a response may become, bytes. */
  limitBytes = 1 << 20;

  /**
   * Takes a new stream; nothing of an earlier one is remembered, as after a restart.
   *
   * @param capabilities what the server says that it can do; undefined: nothing is said
   */
  connect(open: (send: (message: Uint8Array) => void) => UpstreamListener, capabilities?: readonly string[]): void {
    const stream: Stream = { types: new Map(), toServer: [], toClient: [], listener: undefined };
    this.stream = stream;
    stream.listener = open((message) => stream.toServer.push(fromBinary(DeltaDiscoveryRequestSchema, message)));
    if (capabilities !== undefined) stream.listener.announced(new Set(capabilities));
  }

  disconnect(): void {
    const { stream } = this;
    this.stream = undefined;
    stream?.listener?.closed();
  }

  /** What the machine is known to have refused of a type. */
  refused(typeUrl: string): string[] {
    return [...(this.stream?.types.get(typeUrl)?.refused.keys() ?? [])];
  }

  /** Names that the machine asks for one by one. */
  names(typeUrl: string): string[] {
    return [...(this.stream?.types.get(typeUrl)?.wantedNames ?? [])];
  }

  settled(typeUrl: string): boolean {
    return this.stream?.types.get(typeUrl)?.settled ?? true;
  }

  /** Takes one message of the machine; false where there is none. */
  hear(): boolean {
    const request = this.stream?.toServer.shift();
    if (request === undefined) return false;
    const { typeUrl } = request;
    const known = this.stream?.types.get(typeUrl);
    const subscription =
      known ?? new Subscription(typeUrl, this.table(typeUrl), areParts(typeUrl) ? { wholeOf: routeOfPart } : {});
    if (known === undefined) this.stream?.types.set(typeUrl, subscription);
    subscription.receive({
      subscribe: request.resourceNamesSubscribe,
      unsubscribe: request.resourceNamesUnsubscribe,
      initialVersions: new Map(Object.entries(request.initialResourceVersions)),
      nonce: request.responseNonce,
      rejection: request.errorDetail?.message,
    });
    return true;
  }

  /** Puts what can be sent on the wire; false where there is nothing. */
  push(): boolean {
    let pushed = false;
    for (const [typeUrl, subscription] of this.stream?.types ?? []) {
      const nonce = `n${this.nonces + 1}`;
      const { limitBytes } = this;
      const batch =
        subscription.take({ nonce, limitBytes, part: areParts(typeUrl) ? "all" : "present" }) ??
        subscription.take({ nonce, limitBytes, part: "removed" });
      if (batch === undefined) continue;
      this.nonces += 1;
      this.stream?.toClient.push(encode(typeUrl, nonce, batch));
      pushed = true;
    }
    return pushed;
  }

  /** Carries messages until none is left. */
  settle(): void {
    let rounds = 0;
    for (let busy = true; busy; rounds += 1) {
      assert.ok(rounds < 2000, "it never comes to rest");
      const heard = this.hear();
      const pushed = this.push();
      busy = this.deliver() || heard || pushed;
    }
  }

  /** Brings one message to the machine; false where there is none. */
  deliver(): boolean {
    const message = this.stream?.toClient.shift();
    if (message === undefined) return false;
    this.stream?.listener?.message(message);
    return true;
  }
}

function areParts(typeUrl: string): boolean {
  return typeUrl === typeUrls.routePart;
}

function encode(typeUrl: string, nonce: string, batch: Batch): Uint8Array {
  return toBinary(
    DeltaDiscoveryResponseSchema,
    create(DeltaDiscoveryResponseSchema, {
      typeUrl,
      nonce,
      resources: batch.resources.map(({ name, version, body }) => ({
        name,
        version,
        resource: { typeUrl, value: body },
      })),
      removedResources: [...batch.removed],
    }),
  );
}
