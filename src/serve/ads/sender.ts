// What one stream sends: which message is next, its bytes, and what is noted of it.
import { SotwSubscription } from "../../xds/sotw-subscription.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { freezeReferring, noteSent } from "./frozen-batch.ts";
import type { GrpcStream } from "./grpc-stream.ts";
import type { NeededResources } from "./needed-resources.ts";
import { type NextBatch, takeNextBatch } from "./next-batch.ts";
import { deltaResponse, type ResponseParts, sotwResponse, type Variant } from "./response-parts.ts";
import type { TypeStream } from "./type-stream.ts";

export interface SenderOptions {
  /** Of the connection; part of each nonce. */
  readonly id: string;
  readonly variant: Variant;
  readonly stream: GrpcStream;
  readonly context: ConnectionContext;
  readonly needed: NeededResources;
  /** Called when the client has taken all of a message. */
  readonly onTaken: () => void;
}

export class Sender {
  private readonly options: SenderOptions;
  private nonces = 0;

  constructor(options: SenderOptions) {
    this.options = options;
  }

  /**
   * Sends the next message, if one may go. None must be on its way.
   *
   * @param types in push order
   */
  sendNext(types: readonly TypeStream[]): void {
    const { clock, limits } = this.options.context;
    const nonce = this.nonce(this.nonces + 1);
    const next = takeNextBatch(types, { nonce, nowMs: clock.monotonic(), limits });
    if (next === undefined) return;
    if (next.nonce === nonce) this.nonces += 1;
    this.send(next, types);
  }

  private send(next: NextBatch, types: readonly TypeStream[]): void {
    const { type, batch, nonce } = next;
    const { context, needed, stream, onTaken } = this.options;
    const { clock, limits, metrics, pushes } = context;
    const start = clock.monotonic();
    needed.demand(batch.resources, type, types);
    if (type.typeUrl === typeUrls.endpoint) noteSent(batch, types);
    if (type.typeUrl === typeUrls.endpoint || type.typeUrl === typeUrls.cluster) {
      freezeReferring(types, { nextNonce: () => this.nextNonce(), limitBytes: limits.responseBytes });
    }
    const response = this.encode(next);
    const atMs = clock.now();
    type.sentAtMs = atMs;
    type.sentNonce = nonce;
    pushes.sent(type, batch, { bytes: response.length, isLast: type.subscription.behindCount === 0, atMs });
    metrics.pushes.inc({ type: type.name });
    metrics.configBytes.observe({ type: type.name }, response.length);
    const sent = clock.monotonic();
    stream.send(response, () => {
      const now = clock.monotonic();
      metrics.sendSeconds.observe((now - sent) / 1000);
      metrics.pushSeconds.observe({ type: type.name }, (now - start) / 1000);
      onTaken();
    });
  }

  private encode({ type, batch, nonce }: NextBatch): ResponseParts {
    const { context, variant } = this.options;
    const parts = context.sections.parts(batch.resources, variant, context.clock.monotonic());
    const { typeUrl, subscription } = type;
    if (subscription instanceof SotwSubscription) {
      return sotwResponse({ typeUrl, nonce, version: subscription.version() }, parts);
    }
    return deltaResponse({ typeUrl, nonce, systemVersion: nonce, removed: batch.removed }, parts);
  }

  /** Unlike any nonce of an earlier stream of the same client. */
  private nonce(number: number): string {
    return `${this.options.id}.${number.toString(36)}`;
  }

  private nextNonce(): string {
    this.nonces += 1;
    return this.nonce(this.nonces);
  }
}
