// Envoy as it takes clusters: one message after the other, each cluster warming until its load assignment comes, the answer for
// clusters kept back as long as one warms, and load assignments asked for as clusters come and go.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { CallListener, GrpcCall } from "../grpc/server-call.ts";

const { cluster, endpoint, route } = typeUrls;

export class WarmingEnvoy implements GrpcCall {
  /** Endpoints of active clusters, as the load assignment's text says them; empty: there are none. */
  readonly active = new Map<string, string>();
  /** Text of the route configurations in force. */
  readonly routes = new Map<string, string>();
  /** Versions of them. */
  readonly routeVersions = new Map<string, string>();
  private readonly warming = new Set<string>();
  private readonly inbox: DeltaDiscoveryResponse[] = [];
  private readonly outbox: Uint8Array[] = [];
  private readonly listener: CallListener;
  private keptBack: string | undefined;

  constructor(accept: (call: GrpcCall) => CallListener, routes: readonly string[]) {
    this.listener = accept(this);
    this.request({ typeUrl: cluster });
    this.request({ typeUrl: route, resourceNamesSubscribe: [...routes] });
  }

  send(message: Uint8Array): void {
    this.inbox.push(fromBinary(DeltaDiscoveryResponseSchema, message));
  }

  end(): void {
    this.listener.closed();
  }

  /** Brings one request to the agent; false where there is none. */
  ask(): boolean {
    const request = this.outbox.shift();
    if (request !== undefined) this.listener.message(request);
    return request !== undefined;
  }

  /** Works through one message; false where there is none. */
  take(): boolean {
    const response = this.inbox.shift();
    if (response === undefined) return false;
    const { typeUrl, nonce } = response;
    if (typeUrl === cluster) this.takeClusters(response);
    else {
      if (typeUrl === endpoint) this.takeEndpoints(response);
      for (const { name, version, resource } of typeUrl === route ? response.resources : []) {
        this.routes.set(name, new TextDecoder().decode(resource?.value));
        this.routeVersions.set(name, version);
      }
      this.request({ typeUrl, responseNonce: nonce });
    }
    if (this.keptBack === undefined || this.warming.size > 0) return true;
    this.request({ typeUrl: cluster, responseNonce: this.keptBack });
    this.keptBack = undefined;
    return true;
  }

  private takeClusters({ resources, removedResources, nonce }: DeltaDiscoveryResponse): void {
    const asked = new Set([...this.active.keys(), ...this.warming]);
    for (const { name } of resources) this.warming.add(name);
    for (const name of removedResources) {
      this.active.delete(name);
      this.warming.delete(name);
    }
    const wanted = new Set([...this.active.keys(), ...this.warming]);
    const resourceNamesSubscribe = [...wanted].filter((name) => !asked.has(name));
    const resourceNamesUnsubscribe = [...asked].filter((name) => !wanted.has(name));
    if (resourceNamesSubscribe.length + resourceNamesUnsubscribe.length > 0) {
      this.request({ typeUrl: endpoint, resourceNamesSubscribe, resourceNamesUnsubscribe });
    }
    this.keptBack = nonce;
  }

  private takeEndpoints({ resources, removedResources }: DeltaDiscoveryResponse): void {
    for (const { name, resource } of resources) {
      if (this.warming.delete(name) || this.active.has(name)) {
        this.active.set(name, new TextDecoder().decode(resource?.value));
      }
    }
    // An active cluster keeps its endpoints; one that warms goes on without any.
    for (const name of removedResources) if (this.warming.delete(name)) this.active.set(name, "");
  }

  private request(fields: Parameters<typeof create<typeof DeltaDiscoveryRequestSchema>>[1]): void {
    this.outbox.push(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields)));
  }
}
