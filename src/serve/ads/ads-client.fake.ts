// An ADS client without a proxy behind it: for tests, and for load where resources must not be decoded.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type SecureClientSessionOptions,
} from "node:http2";
import { create, fromBinary, type JsonObject, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { NodeSchema } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { encodeFrame, FrameDecoder } from "../../xds/grpc-frame.ts";
import { ProtoReader } from "./proto-reader.ts";

export interface NodeOptions {
  readonly id?: string;
  readonly metadata?: JsonObject;
}

export interface AdsClientOptions {
  /** `http://127.0.0.1:PORT` or `https://…`. */
  readonly url: string;
  readonly variant?: "delta" | "sotw";
  readonly node?: NodeOptions;
  /** Client certificate and trusted roots. */
  readonly tls?: SecureClientSessionOptions;
  /** Acknowledges every message unseen; `next` then has nothing to give. */
  readonly ackAll?: boolean;
  /** Given each delta response as it comes, in place of `next`: for tests that need the resources' bytes. */
  readonly onDelta?: (response: DeltaDiscoveryResponse) => void;
  /** Bytes the client lets the server send before it reads; small values make a slow reader. */
  readonly windowBytes?: number;
  /** Another path, to test what is refused. */
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

export interface GrpcEnd {
  /** HTTP status where the answer is not gRPC; 200 else. */
  readonly httpStatus: number;
  /** -1 where the stream was reset before trailers. */
  readonly code: number;
  readonly message: string;
}

/** What `next` gives, whichever variant. */
export interface Received {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  /** Name and version in delta; `-` and "" in SotW, whose resources do not say. */
  readonly resources: readonly { name: string; version: string; body: string }[];
  readonly names: readonly string[];
  readonly removed: readonly string[];
}

const paths = {
  delta: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
  sotw: "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
} as const;
/** Longest response the client takes, bytes. */
const responseLimit = 64 << 20;

export const defaultNodeId = "sidecar~10.0.0.1~vm-1.shop~shop.svc.cluster.local";

export class AdsClient {
  readonly session: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
  /** How the stream ended. */
  readonly ended: Promise<GrpcEnd>;
  /** Messages and bytes received, frames included. */
  readonly received = { messages: 0, bytes: 0, resources: 0 };
  private readonly variant: "delta" | "sotw";
  private readonly ackAll: boolean;
  private readonly onDelta: ((response: DeltaDiscoveryResponse) => void) | undefined;
  private readonly node: NodeOptions;
  private readonly decoder = new FrameDecoder(responseLimit);
  private readonly queue: Received[] = [];
  private readonly waiting: { resolve: (value: Received) => void; reject: (error: unknown) => void }[] = [];
  private readonly onMessage: Set<(typeUrl: string) => void> = new Set();
  private nodeSent = false;

  constructor(options: AdsClientOptions) {
    this.variant = options.variant ?? "delta";
    this.ackAll = options.ackAll ?? false;
    this.onDelta = options.onDelta;
    this.node = options.node ?? {};
    const settings = options.windowBytes === undefined ? {} : { settings: { initialWindowSize: options.windowBytes } };
    this.session = connect(options.url, { ...options.tls, ...settings });
    this.session.on("error", () => {}); // seen as the end of the stream
    this.stream = this.session.request(
      {
        ":method": "POST",
        ":path": options.path ?? paths[this.variant],
        "content-type": "application/grpc",
        te: "trailers",
        ...options.headers,
      },
      { endStream: false },
    );
    this.ended = this.watchEnd();
    this.stream.on("data", (chunk: Uint8Array) => {
      this.received.bytes += chunk.length;
      for (const message of this.decoder.push(chunk)) this.take(message);
    });
  }

  /** Sends a delta request; the node goes with the first one. */
  request(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    const message: DeltaDiscoveryRequest = create(DeltaDiscoveryRequestSchema, request);
    if (!this.nodeSent) message.node ??= this.makeNode();
    this.sendBytes(toBinary(DeltaDiscoveryRequestSchema, message));
  }

  /** Sends a state-of-the-world request. */
  requestAll(request: MessageInitShape<typeof DiscoveryRequestSchema>): void {
    const message: DiscoveryRequest = create(DiscoveryRequestSchema, request);
    if (!this.nodeSent) message.node ??= this.makeNode();
    this.sendBytes(toBinary(DiscoveryRequestSchema, message));
  }

  /** Sends any bytes as one message. */
  sendBytes(message: Uint8Array): void {
    this.nodeSent = true;
    this.stream.write(encodeFrame(message));
  }

  subscribe(typeUrl: string, ...names: string[]): void {
    this.request({ typeUrl, resourceNamesSubscribe: names });
  }

  unsubscribe(typeUrl: string, ...names: string[]): void {
    this.request({ typeUrl, resourceNamesUnsubscribe: names });
  }

  ack(message: Received): void {
    const { typeUrl, nonce: responseNonce } = message;
    this.request({ typeUrl, responseNonce });
  }

  nack(message: Received, why: string): void {
    const { typeUrl, nonce: responseNonce } = message;
    this.request({ typeUrl, responseNonce, errorDetail: { code: 13, message: why } });
  }

  /** The next message; rejects where the stream ends before. */
  next(): Promise<Received> {
    const first = this.queue.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
    });
  }

  /** The next message, acknowledged. */
  async nextAcked(): Promise<Received> {
    const message = await this.next();
    this.ack(message);
    return message;
  }

  /** Messages that came and were not asked for with `next`. */
  get unread(): number {
    return this.queue.length;
  }

  /** Calls the listener for each message; the end of the subscription is returned. */
  listen(listener: (typeUrl: string) => void): () => void {
    this.onMessage.add(listener);
    return () => this.onMessage.delete(listener);
  }

  /** Says that no more requests follow. */
  halfClose(): void {
    this.stream.end();
  }

  async close(): Promise<void> {
    if (this.session.destroyed) return;
    const gone = new Promise((resolve) => this.session.once("close", resolve));
    this.stream.close(constants.NGHTTP2_CANCEL);
    this.session.destroy();
    await gone;
  }

  private makeNode() {
    return create(NodeSchema, {
      id: this.node.id ?? defaultNodeId,
      metadata: { NAMESPACE: "shop", ...this.node.metadata },
    });
  }

  private take(bytes: Uint8Array): void {
    this.received.messages += 1;
    if (this.ackAll) {
      const { typeUrl, nonce, count } = scanResponse(bytes, this.variant);
      this.received.resources += count;
      if (this.variant === "delta") this.request({ typeUrl, responseNonce: nonce });
      for (const listener of this.onMessage) listener(typeUrl);
      return;
    }
    if (this.onDelta !== undefined) {
      this.onDelta(fromBinary(DeltaDiscoveryResponseSchema, bytes));
      return;
    }
    const message = this.variant === "delta" ? readDelta(bytes) : readSotw(bytes);
    this.received.resources += message.resources.length;
    const waiting = this.waiting.shift();
    if (waiting === undefined) this.queue.push(message);
    else waiting.resolve(message);
    for (const listener of this.onMessage) listener(message.typeUrl);
  }

  private watchEnd(): Promise<GrpcEnd> {
    let httpStatus = 0;
    let code = -1;
    let message = "";
    const read = (headers: Record<string, unknown>): void => {
      if (headers["grpc-status"] === undefined) return;
      code = Number(headers["grpc-status"]);
      message = decodeURIComponent(String(headers["grpc-message"] ?? ""));
    };
    this.stream.on("response", (headers) => {
      httpStatus = Number(headers[":status"]);
      read(headers);
    });
    this.stream.on("trailers", read);
    this.stream.on("error", () => {});
    return new Promise((resolve) => {
      this.stream.on("close", () => {
        for (const { reject } of this.waiting.splice(0)) reject(new Error(`stream ended: ${code} ${message}`));
        resolve({ httpStatus, code, message });
      });
    });
  }
}

function readDelta(bytes: Uint8Array): Received {
  const response: DeltaDiscoveryResponse = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const resources = response.resources.map((resource) => ({
    name: resource.name,
    version: resource.version,
    body: Buffer.from(resource.resource?.value ?? []).toString("utf8"),
  }));
  return {
    typeUrl: response.typeUrl,
    nonce: response.nonce,
    version: response.systemVersionInfo,
    resources,
    names: resources.map((resource) => resource.name),
    removed: response.removedResources,
  };
}

function readSotw(bytes: Uint8Array): Received {
  const response: DiscoveryResponse = fromBinary(DiscoveryResponseSchema, bytes);
  const resources = response.resources.map((any) => ({
    name: "-",
    version: "",
    body: Buffer.from(any.value).toString("utf8"),
  }));
  return {
    typeUrl: response.typeUrl,
    nonce: response.nonce,
    version: response.versionInfo,
    resources,
    names: resources.map((resource) => resource.body),
    removed: [],
  };
}

/** Both responses have type_url in field 4, nonce in field 5 and resources in field 2. */
function scanResponse(
  bytes: Uint8Array,
  _variant: "delta" | "sotw",
): { typeUrl: string; nonce: string; count: number } {
  const reader = new ProtoReader(bytes);
  let typeUrl = "";
  let nonce = "";
  let count = 0;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 4) typeUrl = reader.stringValue("type_url", 256);
    else if (field === 5) nonce = reader.stringValue("nonce", 512);
    else {
      if (field === 2) count += 1;
      reader.skip();
    }
  }
  return { typeUrl, nonce, count };
}
