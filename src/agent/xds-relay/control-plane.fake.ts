// A control plane in memory: the delta protocol's server side for one stream, with every request kept for the test to read.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { UpstreamListener } from "./xds-relay.ts";

export interface FakeResource {
  name: string;
  version: string;
  body: Uint8Array;
}

export class FakeControlPlane {
  readonly requests: DeltaDiscoveryRequest[] = [];
  /** By type, by name. */
  readonly resources = new Map<string, Map<string, FakeResource>>();
  /** What it says that it can do; undefined: nothing is said. */
  capabilities: readonly string[] | undefined;
  private readonly wanted = new Map<string, Set<string>>();
  private listener: UpstreamListener | undefined;
  private nonce = 0;

  /** Takes a new stream of `openUpstream`. Answers are sent at once, as a server next door would. */
  connect(open: (send: (message: Uint8Array) => void) => UpstreamListener): void {
    this.wanted.clear();
    const early: DeltaDiscoveryRequest[] = [];
    let listener: UpstreamListener | undefined;
    listener = open((message) => {
      const request = this.record(message);
      if (listener === undefined) early.push(request);
      else this.answer(request);
    });
    this.listener = listener;
    if (this.capabilities !== undefined) listener.announced(new Set(this.capabilities));
    for (const request of early) this.answer(request);
  }

  /** Takes one message of the client, for streams that the test carries itself. */
  request(message: Uint8Array): void {
    this.answer(this.record(message));
  }

  disconnect(): void {
    this.listener?.closed();
    this.listener = undefined;
  }

  /** Sets resources and sends them to whoever wants them. */
  set(typeUrl: string, resources: readonly FakeResource[], removed: readonly string[] = []): void {
    const all = this.of(typeUrl);
    for (const resource of resources) all.set(resource.name, resource);
    for (const name of removed) all.delete(name);
    const wants = (name: string) => this.wanted.get(typeUrl)?.has("*") === true || this.wanted.get(typeUrl)?.has(name);
    const sent = resources.filter(({ name }) => wants(name));
    const gone = removed.filter(wants);
    if (sent.length > 0 || gone.length > 0) this.send(typeUrl, sent, gone);
  }

  /** Sends a response, wanted or not. */
  send(typeUrl: string, resources: readonly FakeResource[], removedResources: readonly string[] = []): string {
    this.nonce += 1;
    const nonce = `cp-${this.nonce}`;
    const response = create(DeltaDiscoveryResponseSchema, {
      typeUrl,
      nonce,
      resources: resources.map(({ name, version, body }) => ({ name, version, resource: { typeUrl, value: body } })),
      removedResources: [...removedResources],
    });
    this.listener?.message(toBinary(DeltaDiscoveryResponseSchema, response));
    return nonce;
  }

  /** Answers to responses of one type: `ACK` or the error's message. */
  answers(typeUrl: string): string[] {
    return this.requests
      .filter((request) => request.typeUrl === typeUrl && request.responseNonce !== "")
      .map((request) => request.errorDetail?.message ?? "ACK");
  }

  names(typeUrl: string): ReadonlySet<string> {
    return this.wanted.get(typeUrl) ?? new Set();
  }

  private record(message: Uint8Array): DeltaDiscoveryRequest {
    const request = fromBinary(DeltaDiscoveryRequestSchema, message);
    this.requests.push(request);
    return request;
  }

  private of(typeUrl: string): Map<string, FakeResource> {
    const found = this.resources.get(typeUrl) ?? new Map<string, FakeResource>();
    this.resources.set(typeUrl, found);
    return found;
  }

  private answer(request: DeltaDiscoveryRequest): void {
    if (request.responseNonce !== "") return;
    const { typeUrl, initialResourceVersions: held } = request;
    const first = !this.wanted.has(typeUrl);
    const wanted = this.wanted.get(typeUrl) ?? new Set();
    this.wanted.set(typeUrl, wanted);
    for (const name of request.resourceNamesSubscribe) wanted.add(name);
    for (const name of request.resourceNamesUnsubscribe) wanted.delete(name);
    const all = this.of(typeUrl);
    const asked = request.resourceNamesSubscribe.includes("*")
      ? [...all.keys()]
      : request.resourceNamesSubscribe.filter((name) => name !== "*");
    const sent = asked.flatMap((name) => all.get(name) ?? []).filter(({ name, version }) => held[name] !== version);
    const removed = [...asked, ...Object.keys(held)].filter((name) => !all.has(name));
    if (sent.length > 0 || removed.length > 0 || (first && wanted.has("*"))) this.send(typeUrl, sent, removed);
  }
}
