// A sidecar without a proxy: subscribes over delta ADS as Envoy does, acknowledges everything, and never decodes a resource.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type SecureClientSessionOptions } from "node:http2";
import type { JsonObject } from "@bufbuild/protobuf";
import { encodeFrame } from "../../../src/xds/grpc-frame.ts";
import { typeUrls } from "../../../src/xds/type-url.ts";
import { encodeRequest, HeldResources } from "./held-resources.ts";
import { type ScannedResponse, scanResponse } from "./scanned-response.ts";

const path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
/** Envoy's default for the windows of a stream and of a connection to its management server is as good as none. */
const windowBytes = 64 << 20;
const prefixBytes = 5;

export interface SidecarNode {
  readonly id: string;
  readonly metadata: JsonObject;
}

/** How it is sent its routes: whole as Envoy and Istio's agent are, or in parts as our own agent is. */
export type RouteWay = "whole" | "parts";

export interface SidecarEvents {
  /** A whole response came. */
  response(sidecar: Sidecar, response: ScannedResponse, bytes: number): void;
  /** Clusters, listeners, and all that they name have been answered on this connection. */
  complete(sidecar: Sidecar): void;
  ended(sidecar: Sidecar): void;
}

type Type = "cluster" | "endpoint" | "listener" | "route" | "routePart";
const types: Readonly<Record<RouteWay, readonly Type[]>> = {
  whole: ["cluster", "endpoint", "listener", "route"],
  parts: ["cluster", "endpoint", "listener", "routePart"],
};
/** Types that are asked for by name. */
const named: ReadonlySet<Type> = new Set(["endpoint", "route"]);

export class Sidecar {
  /** Stays over reconnects, as an agent keeps it. */
  readonly held: Record<Type, HeldResources> = {
    cluster: HeldResources.none,
    endpoint: HeldResources.none,
    listener: HeldResources.none,
    route: HeldResources.none,
    routePart: HeldResources.none,
  };
  private readonly node: SidecarNode;
  private readonly events: SidecarEvents;
  private readonly types: readonly Type[];
  private session: ClientHttp2Session | undefined;
  private stream: ClientHttp2Stream | undefined;
  private chunks: Buffer[] = [];
  /** Bytes in `chunks`, and where in the first of them the next message starts. */
  private filled = 0;
  private start = 0;
  private subscribed = new Set<Type>();
  private waiting = new Set<Type>();
  /** Clusters whose endpoints were asked for on this connection. */
  private asked: ReadonlySet<string> = new Set();
  private isComplete = false;

  constructor(node: SidecarNode, way: RouteWay, events: SidecarEvents) {
    this.node = node;
    this.types = types[way];
    this.events = events;
  }

  connect(url: string, tls: SecureClientSessionOptions = {}): void {
    this.chunks = [];
    this.filled = 0;
    this.start = 0;
    this.subscribed = new Set();
    this.waiting = new Set();
    this.asked = new Set();
    this.isComplete = false;
    const session = connect(url, { ...tls, settings: { initialWindowSize: windowBytes } });
    this.session = session;
    session.on("error", () => {}); // "close" follows
    session.on("connect", () => {
      if (!session.destroyed) session.setLocalWindowSize(windowBytes);
    });
    const stream = session.request(
      { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
      { endStream: false },
    );
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => this.receive(chunk));
    stream.on("close", () => {
      session.destroy();
      if (this.session === session) this.events.ended(this);
    });
    this.subscribe("cluster");
    // What it still has is asked for at once, as Envoy does on a new stream.
    for (const type of this.types) if (this.held[type].versions.size > 0) this.subscribe(type);
  }

  /** Drops the connection, as a network does. */
  drop(): void {
    const { session } = this;
    this.session = undefined;
    session?.destroy();
  }

  private subscribe(type: Type): void {
    if (this.subscribed.has(type)) return;
    const { stream, held } = this;
    if (stream === undefined) return;
    const names = type === "endpoint" ? [...held.cluster.edsNames] : type === "route" ? this.routeNames() : [];
    if (names.length === 0 && named.has(type)) return;
    const { node } = this;
    const isFirst = this.subscribed.size === 0;
    this.subscribed.add(type);
    if (type === "endpoint") this.asked = held.cluster.edsNames;
    const wanted = type === "routePart" ? ["*"] : names;
    const fields = () => ({ typeUrl: typeUrls[type], resourceNamesSubscribe: wanted });
    const isNew = held[type].versions.size === 0;
    if (isNew || !named.has(type)) this.waiting.add(type);
    const shared = held[type].firstRequest(`${type} ${names.length} ${names[0] ?? ""}`, fields);
    // Fields of one message may come in any order, so the node of its own goes before what all share.
    stream.write(isFirst ? encodeFrame(Buffer.concat([encodeRequest({ node }), shared])) : encodeFrame(shared));
  }

  /** Clusters of a large mesh come in several messages. */
  private askForMore(): void {
    const { edsNames } = this.held.cluster;
    const names = [...edsNames].filter((name) => !this.asked.has(name));
    if (names.length === 0) return;
    this.asked = edsNames;
    this.waiting.add("endpoint");
    const request = { typeUrl: typeUrls.endpoint, resourceNamesSubscribe: names };
    this.stream?.write(encodeFrame(encodeRequest(request)));
  }

  /** Istio names the route configuration of a wildcard listener after its port. */
  private routeNames(): string[] {
    return [...this.held.listener.versions.keys()].flatMap((name) => /^0\.0\.0\.0_(\d+)$/.exec(name)?.[1] ?? []);
  }

  private receive(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.filled += chunk.length;
    while (this.filled - this.start >= prefixBytes) {
      const length = this.peekLength();
      const end = this.start + prefixBytes + length;
      if (this.filled < end) return;
      this.take(this.start + prefixBytes, length);
      this.dropBefore(end);
    }
  }

  private peekLength(): number {
    const [first] = this.chunks;
    if (first === undefined) return 0;
    if (first.length - this.start < prefixBytes) this.chunks = [Buffer.concat(this.chunks)];
    return (this.chunks[0] as Buffer).readUInt32BE(this.start + 1);
  }

  private dropBefore(end: number): void {
    let start = end;
    let dropped = 0;
    for (const chunk of this.chunks) {
      if (start < chunk.length) break;
      start -= chunk.length;
      this.filled -= chunk.length;
      dropped += 1;
    }
    this.chunks.splice(0, dropped);
    this.start = start;
  }

  private take(at: number, length: number): void {
    const response = scanResponse(this.chunks, at, { length, withTypes: !this.isComplete });
    const type = this.types.find((each) => typeUrls[each] === response.typeUrl);
    if (type === undefined) return;
    this.stream?.write(encodeFrame(encodeRequest({ typeUrl: response.typeUrl, responseNonce: response.nonce })));
    if (response.names.length > 0 || response.removed.length > 0) this.held[type] = this.held[type].after(response);
    if (type !== "endpoint" || this.held.endpoint.versions.size >= this.held.cluster.edsNames.size)
      this.waiting.delete(type);
    this.events.response(this, response, length + prefixBytes);
    if (this.isComplete) return;
    if (type === "cluster") {
      if (this.subscribed.has("endpoint")) this.askForMore();
      else this.subscribe("endpoint");
      this.subscribe("listener");
    } else if (type === "listener") for (const routes of this.types.slice(-1)) this.subscribe(routes);
    if (this.waiting.size > 0 || this.subscribed.size < this.types.length) return;
    this.isComplete = true;
    this.events.complete(this);
  }
}
