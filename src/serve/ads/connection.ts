// One ADS stream from its first request to its end.
import type { ServerHttp2Stream } from "node:http2";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import type { Cancel } from "../../kernel/clock.ts";
import { describeError, LateenError } from "../../kernel/error.ts";
import type { ClientView, XdsClient } from "../../xds/generator.ts";
import { readNode } from "../../xds/node-info.ts";
import type { Resource } from "../../xds/resource.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { serveErrors } from "../errors.ts";
import { grpcStatusOf } from "../grpc-status.ts";
import type { Peer } from "../peer.ts";
import { admitNode, checkTypePermitted } from "./admit-node.ts";
import type { ConnectionContext, ConnectionEvents } from "./connection-context.ts";
import type { ConnectionLook } from "./connection-look.ts";
import { connectionStatus } from "./connection-status.ts";
import {
  type DeltaMessage,
  decodeNode,
  readDeltaRequest,
  readSotwRequest,
  type SotwMessage,
} from "./discovery-request.ts";
import { GrpcStream } from "./grpc-stream.ts";
import { HealthReports } from "./health-reports.ts";
import { Inbox } from "./inbox.ts";
import { NeededResources } from "./needed-resources.ts";
import type { Pushable } from "./push-queue.ts";
import { pushRank } from "./push-rules.ts";
import { recordHeld, recordReply } from "./record-reply.ts";
import { RequestBudget } from "./request-budget.ts";
import type { Variant } from "./response-parts.ts";
import { Sender } from "./sender.ts";
import { isRejecting, openTypeStream, receiveRequest, type TypeStream } from "./type-stream.ts";

type State =
  | { readonly kind: "waiting"; readonly cancelDeadline: Cancel }
  | {
      readonly kind: "open";
      readonly client: XdsClient;
      readonly view: ClientView;
      readonly cancelExpiry: Cancel;
      readonly connectedAtMs: number;
    }
  | { readonly kind: "closed" };

const nothingHeld: ReadonlyMap<string, string> = new Map();

export class Connection implements Pushable {
  readonly id: string;
  private readonly context: ConnectionContext;
  private readonly events: ConnectionEvents;
  private readonly variant: Variant;
  private readonly peer: Peer;
  private readonly address: string;
  private readonly stream: GrpcStream;
  private readonly inbox: Inbox;
  private readonly sender: Sender;
  private readonly health: HealthReports;
  /** In push order. */
  private types: TypeStream[] = [];
  private readonly needed = new NeededResources();
  private state: State;
  private sharing = false;
  /** Time of the oldest change that is not acknowledged, monotonic milliseconds. */
  private changedAtMs: number | undefined;

  constructor(
    stream: ServerHttp2Stream,
    options: {
      id: string;
      variant: Variant;
      peer: Peer;
      address: string;
      context: ConnectionContext;
      events: ConnectionEvents;
    },
  ) {
    this.id = options.id;
    this.variant = options.variant;
    this.peer = options.peer;
    this.address = options.address;
    this.context = options.context;
    this.events = options.events;
    const { clock, limits, hooks } = options.context;
    this.health = new HealthReports(clock, (report) => {
      if (this.state.kind === "open") hooks.onHealth?.(this.state.client, this.id, report);
    });
    const late = (): void => this.fail(serveErrors.slowReader("the first request did not come in time"));
    this.state = { kind: "waiting", cancelDeadline: clock.after(limits.firstRequestMs, late) };
    this.stream = new GrpcStream(stream, {
      limits,
      chunks: options.context.chunks,
      memory: options.context.requestMemory,
      clock,
      handler: {
        message: (bytes) => this.inbox.receive(bytes),
        holds: (bytes) => options.context.unfinished.note(this, bytes),
        failed: (error) => this.fail(error),
        ended: () => this.inbox.end(),
        closed: () => this.leave(),
      },
    });
    this.inbox = new Inbox({
      clock,
      queue: options.context.requests,
      budget: new RequestBudget(limits, clock),
      stream: this.stream,
      take: (bytes) => this.take(bytes),
      done: (bytes) => options.context.requestMemory.give(bytes),
      failed: (error) => this.fail(error),
      onThrottled: () => options.context.metrics.limitHits.inc({ limit: "requests" }),
      onEnd: () => this.finish(undefined),
    });
    this.sender = new Sender({
      id: this.id,
      variant: this.variant,
      stream: this.stream,
      context: options.context,
      needed: this.needed,
      onTaken: () => options.context.queue.written(this),
    });
  }

  get client(): XdsClient | undefined {
    return this.state.kind === "open" ? this.state.client : undefined;
  }

  get writing(): boolean {
    return this.stream.writing;
  }

  get stalledMs(): number {
    return this.stream.stalledMs;
  }

  /** True where nothing waits to be sent or acknowledged. */
  get settled(): boolean {
    return this.types.every((type) => type.subscription.settled);
  }

  /** What proxy-status shows; undefined before the first request. */
  status(): ProxyStatus | undefined {
    if (this.state.kind !== "open") return undefined;
    const { client, connectedAtMs } = this.state;
    return connectionStatus(client, this.types, { controlPlane: this.context.controlPlane, connectedAtMs });
  }

  /** What the client gets under a name: no resource where it may still ask for the type; undefined where it gets nothing. */
  wanted(typeUrl: string, name: string): { readonly resource: Resource | undefined } | undefined {
    if (this.state.kind !== "open") return undefined;
    const type = this.types.find((known) => known.typeUrl === typeUrl);
    if (type === undefined) return { resource: undefined };
    const resource = type.subscription.wants(name) ? type.set.get(name) : undefined;
    return resource === undefined ? undefined : { resource };
  }

  /** What the debug pages show; undefined before the first request. */
  rejects(typeName: string): boolean {
    return this.types.some((type) => type.name === typeName && isRejecting(type));
  }

  look(): ConnectionLook | undefined {
    const status = this.status();
    if (this.state.kind !== "open" || status === undefined) return undefined;
    const { client, view } = this.state;
    const { waitingBytes } = this.stream;
    return { id: this.id, address: this.address, client, view, status, types: this.types, waitingBytes };
  }

  /** Ends the stream; the client sees why. */
  fail(error: unknown): void {
    if (this.state.kind === "closed") return;
    const { log, metrics } = this.context;
    const fields = { connection: this.id, node: this.client?.node.id, error: describeError(error) };
    if (error instanceof LateenError) log.info("xDS stream refused", { ...fields, code: error.code });
    else {
      metrics.internalErrors.inc();
      log.error("xDS stream failed", fields);
    }
    this.finish(error);
  }

  /** Called about once a second. */
  tick(): void {
    const { clock, limits, metrics, queue } = this.context;
    if (this.stream.stalledMs > limits.writeStallMs) {
      metrics.writeTimeouts.inc();
      this.context.log.info("xDS stream cut", {
        connection: this.id,
        node: this.client?.node.id,
        reason: "slow reader",
      });
      this.stream.cut();
      this.release();
      return;
    }
    this.health.tick();
    const now = clock.monotonic();
    for (const type of this.types) {
      if (type.heldSinceMs !== undefined && now - type.heldSinceMs >= limits.holdMs) queue.add(this);
    }
  }

  /** Sends the next message, if there is one and the last has been taken. */
  push(): void {
    if (this.state.kind !== "open" || this.stream.writing) return;
    try {
      this.sender.sendNext(this.types);
    } catch (error) {
      this.fail(error);
    }
  }

  private take(bytes: Uint8Array): void {
    const message = this.read(bytes);
    if (this.state.kind === "waiting") {
      this.state.cancelDeadline();
      const view = this.open(message.node);
      this.inbox.hold(bytes);
      view.whenReady(() => this.inbox.release());
      return;
    }
    const open = this.state;
    if (open.kind !== "open") return;
    const isHealth = message.typeUrl === typeUrls.health;
    if (isHealth && this.peer.kind !== "verified") return; // Istio's agents tell it anybody, again after each reconnect
    checkTypePermitted(message.typeUrl, this.peer);
    if (isHealth) {
      this.health.take({ healthy: message.error === undefined, message: message.error?.message ?? "" });
      return;
    }
    const type = this.types.find((known) => known.typeUrl === message.typeUrl);
    if (type === undefined) this.openType(open.view, message);
    else {
      if (type.subscription.settled) type.notes.cause = "request";
      const reply = receiveRequest(type, message);
      recordReply(reply, { type, client: open.client, connectionId: this.id, context: this.context });
      this.needed.asked(type, this.types);
    }
    this.checkNames();
    this.context.queue.add(this);
    this.noteSettled();
  }

  private read(bytes: Uint8Array): DeltaMessage | SotwMessage {
    const { clock, limits, recentRequests, texts } = this.context;
    if (this.variant === "sotw") return readSotwRequest(bytes, limits, texts);
    return recentRequests.read(bytes, clock.monotonic(), (unknown) => readDeltaRequest(unknown, limits, texts));
  }

  private open(nodeBytes: Uint8Array | undefined): ClientView {
    const { clock, generator, hooks, limits, log, metrics } = this.context;
    const node = readNode(decodeNode(nodeBytes, limits));
    const client: XdsClient = { node, identities: admitNode(node, this.peer) };
    this.events.proven(this.peer);
    const certificate = this.peer.kind === "verified" ? this.peer.serialNumber : undefined;
    hooks.onConnect?.(client, this.id, { address: this.address, certificate });
    let view: ClientView;
    try {
      view = generator.open(client, this.id);
    } catch (error) {
      hooks.onDisconnect?.(this.id);
      throw error;
    }
    const expired = (): void => this.fail(serveErrors.certificateExpired("the client certificate has expired"));
    this.state = {
      kind: "open",
      client,
      view,
      cancelExpiry:
        this.peer.kind === "verified" ? clock.after(this.peer.expiresAtMs - clock.now(), expired) : () => {},
      connectedAtMs: clock.now(),
    };
    metrics.clients.inc({ version: metrics.versionLabel(node.istioVersion) });
    log.info("proxy connected", { connection: this.id, node: node.id, identities: client.identities });
    return view;
  }

  private openType(view: ClientView, message: DeltaMessage | SotwMessage): void {
    const { limits, metrics } = this.context;
    if (this.types.length >= limits.typesPerStream) {
      metrics.limitHits.inc({ limit: "types" });
      throw serveErrors.limitExceeded(`a stream may ask for at most ${limits.typesPerStream} types`);
    }
    const resources = view.resources(message.typeUrl);
    const held = "initialVersions" in message ? message.initialVersions : nothingHeld;
    this.context.hooks.onOpen?.({ connectionId: this.id, typeUrl: message.typeUrl, resources, held });
    const type = openTypeStream(message.typeUrl, resources, this.variant, this.context.sharing);
    this.types = [...this.types, type].sort((a, b) => pushRank(a.typeUrl) - pushRank(b.typeUrl));
    if (receiveRequest(type, message).kind === "stale") metrics.expiredNonces.inc({ type: type.name });
    this.context.pushes.withheld(
      type.name,
      Math.max(0, type.subscription.resourceCount - type.subscription.behindCount),
    );
    recordHeld(type, held, { connectionId: this.id, context: this.context });
    this.needed.opened(type, this.types);
    this.needed.asked(type, this.types);
    type.unsubscribe = type.set.subscribe((changes) => {
      type.subscription.change(changes);
      if (type.subscription.settled) return; // nothing this client asked for
      if (type.subscription.behindCount > 0) this.context.pushes.changed(type.notes, changes);
      this.changedAtMs ??= this.context.clock.monotonic();
      this.context.queue.add(this);
    });
  }

  private checkNames(): void {
    const { namesPerStream, namesBytesPerStream } = this.context.limits;
    const count = this.types.reduce((sum, { subscription }) => sum + subscription.nameCount, 0);
    const length = this.types.reduce((sum, { subscription }) => sum + subscription.namesLength, 0);
    if (count <= namesPerStream && length <= namesBytesPerStream) return;
    this.context.metrics.limitHits.inc({ limit: "names" });
    const limit = count > namesPerStream ? `${namesPerStream} names` : `${namesBytesPerStream} bytes of names`;
    throw serveErrors.limitExceeded(`a stream may ask for at most ${limit}`);
  }

  private noteSettled(): void {
    if (this.types.length === 0 || !this.settled) return;
    const { clock, metrics } = this.context;
    if (this.changedAtMs !== undefined) {
      metrics.convergenceSeconds.observe((clock.monotonic() - this.changedAtMs) / 1000);
      this.changedAtMs = undefined;
    }
    if (this.types.some((type) => type.subscription.ownsNames)) this.shareNames();
    this.events.settled();
  }

  /** Later: a thousand streams that settle at once have a million names. */
  private shareNames(): void {
    if (this.sharing) return;
    this.sharing = true;
    const { sharing, slices } = this.context;
    slices.add(() => {
      this.sharing = false;
      for (const { subscription } of this.types) if (subscription.settled) subscription.shareNames(sharing.names);
      return false;
    });
  }

  private finish(error: unknown): void {
    const { state } = this;
    this.release();
    if (state.kind !== "closed") {
      this.stream.end(error === undefined ? { code: 0, message: "" } : grpcStatusOf(error));
    }
  }

  /** Later: a thousand streams that are gone at once hold a lot. */
  private leave(): void {
    this.inbox.close();
    this.context.queue.delete(this);
    this.context.requests.add(() => this.release());
  }

  /** Gives up everything the stream holds. */
  private release(): void {
    const { state } = this;
    if (state.kind === "closed") return;
    this.state = { kind: "closed" };
    this.inbox.close();
    this.context.queue.delete(this);
    this.context.unfinished.note(this, 0);
    for (const type of this.types) type.unsubscribe();
    this.types = [];
    if (state.kind === "waiting") state.cancelDeadline();
    else {
      const { metrics, hooks, log } = this.context;
      state.cancelExpiry();
      state.view.close();
      metrics.clients.dec({ version: metrics.versionLabel(state.client.node.istioVersion) });
      try {
        hooks.onDisconnect?.(this.id);
      } catch (error) {
        metrics.internalErrors.inc();
        log.error("a disconnect could not be recorded", { connection: this.id, error: describeError(error) });
      }
      log.info("proxy disconnected", { connection: this.id, node: state.client.node.id });
    }
    this.events.closed();
  }
}
