// The agent's own delta ADS client: asks the control plane for what Envoy and the agent want, and keeps the caches current.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Node } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { contentHash } from "../../kernel/hash.ts";
import { agentErrors } from "../errors.ts";
import type { CachedResource, Refusal } from "./resource-cache.ts";

/** What is asked for of one type. */
export interface Wanted {
  wildcard: boolean;
  names: ReadonlySet<string>;
}

/** One response, for whoever decides about it. */
export interface UpstreamResponse {
  typeUrl: string;
  nonce: string;
  resources: readonly CachedResource[];
  removed: readonly string[];
}

export interface UpstreamHost {
  /** The node that introduces this machine; sent with the first message of each stream. */
  node(): Node;
  /** Types of which something may be wanted. */
  types(): Iterable<string>;
  wanted(typeUrl: string): Wanted;
  /** Versions the agent holds of a type. */
  versions(typeUrl: string): Record<string, string>;
  /** A response arrived; `answer` must be called once Envoy, or the agent, has decided. */
  received(response: UpstreamResponse): void;
}

/** `google.rpc.Code.INTERNAL`, as Envoy sends with a NACK. */
const rejectedCode = 13;
/** Longest error text of a NACK, characters. */
const errorLimit = 8192;

export class Upstream {
  private readonly host: UpstreamHost;
  private readonly send: (message: Uint8Array) => void;
  /** What this stream has been told, by type. */
  private readonly told = new Map<string, { wildcard: boolean; names: Set<string> }>();
  /** What `refuse` has asked for, by type: names, and the nonce of the response that brought each. */
  private readonly askedAgain = new Map<string, Map<string, string | undefined>>();
  private introduced = false;

  /** Opens the protocol on a new stream and asks for everything wanted. */
  constructor(host: UpstreamHost, send: (message: Uint8Array) => void) {
    this.host = host;
    this.send = send;
    for (const typeUrl of host.types()) this.sync(typeUrl);
  }

  /** Tells the control plane what has changed in what is wanted of a type. */
  sync(typeUrl: string): void {
    const wanted = this.host.wanted(typeUrl);
    const told = this.told.get(typeUrl);
    if (told === undefined) {
      if (!wanted.wildcard && wanted.names.size === 0) return;
      this.told.set(typeUrl, { wildcard: wanted.wildcard, names: new Set(wanted.names) });
      this.request({
        typeUrl,
        resourceNamesSubscribe: [...(wanted.wildcard ? ["*"] : []), ...wanted.names],
        initialResourceVersions: this.host.versions(typeUrl),
      });
      return;
    }
    const subscribe = [...wanted.names].filter((name) => !told.names.has(name));
    const unsubscribe = [...told.names].filter((name) => !wanted.names.has(name));
    if (wanted.wildcard && !told.wildcard) subscribe.push("*");
    if (!wanted.wildcard && told.wildcard) unsubscribe.push("*");
    if (subscribe.length === 0 && unsubscribe.length === 0) return;
    this.told.set(typeUrl, { wildcard: wanted.wildcard, names: new Set(wanted.names) });
    this.request({ typeUrl, resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe });
  }

  /**
   * Takes one message of the control plane.
   *
   * @throws LateenError LAT4210
   */
  message(bytes: Uint8Array): void {
    const response = decodeResponse(bytes);
    if (!this.told.has(response.typeUrl)) return; // never asked for
    const resources: CachedResource[] = [];
    const removed = [...response.removedResources];
    for (const { name, version, resource } of response.resources) {
      // A name without a body: the control plane knows that it does not exist (on-demand xDS).
      if (resource === undefined) removed.push(name);
      else {
        // A copy, so that one small resource does not keep a large message alive.
        const body = resource.value.slice();
        resources.push({
          name,
          version: version === "" ? contentHash(body) : version,
          bodyType: resource.typeUrl,
          body,
        });
      }
    }
    const asked = this.askedAgain.get(response.typeUrl);
    for (const name of asked === undefined ? [] : [...resources.map((resource) => resource.name), ...removed]) {
      if (asked?.has(name) === true) asked.set(name, response.nonce);
    }
    this.host.received({ typeUrl: response.typeUrl, nonce: response.nonce, resources, removed });
  }

  /** Acknowledges a response, or rejects it with the reasons. */
  answer(typeUrl: string, nonce: string, errors: readonly string[]): void {
    this.request({
      typeUrl,
      responseNonce: nonce,
      ...(errors.length === 0 ? {} : { errorDetail: rejectionOf(errors) }),
    });
    const unsubscribe = this.givenUp(typeUrl, nonce);
    // By itself: some servers look at nothing else of a request that rejects.
    if (unsubscribe.length > 0) this.request({ typeUrl, resourceNamesUnsubscribe: unsubscribe });
  }

  /**
   * Says that Envoy refused what no open response carries: one that was acknowledged before, or that came over an earlier
   * stream. The protocol can reject a response only, so the resource is asked for once more; the answer can be rejected.
   * Then a name that is wanted by the wildcard only is given up again: names count against the stream's limit.
   */
  refuse(typeUrl: string, { name, message }: Refusal): void {
    const told = this.told.get(typeUrl);
    if (told === undefined || !(told.wildcard || told.names.has(name))) return; // nobody wants it any more
    if (!told.names.has(name)) {
      const asked = this.askedAgain.get(typeUrl) ?? new Map<string, string | undefined>();
      this.askedAgain.set(typeUrl, asked.set(name, undefined));
    }
    this.request({ typeUrl, resourceNamesSubscribe: [name], errorDetail: rejectionOf([`${name}: ${message}`]) });
  }

  private givenUp(typeUrl: string, nonce: string): string[] {
    const asked = this.askedAgain.get(typeUrl);
    if (asked === undefined) return [];
    const answered = [...asked].filter(([, broughtBy]) => broughtBy === nonce).map(([name]) => name);
    for (const name of answered) asked.delete(name);
    if (asked.size === 0) this.askedAgain.delete(typeUrl);
    const wanted = this.told.get(typeUrl)?.names;
    return answered.filter((name) => wanted?.has(name) !== true);
  }

  private request(request: RequestFields): void {
    const message = create(DeltaDiscoveryRequestSchema, {
      ...request,
      ...(this.introduced ? {} : { node: this.host.node() }),
    });
    this.introduced = true;
    this.send(toBinary(DeltaDiscoveryRequestSchema, message));
  }
}

type RequestFields = Partial<
  Pick<
    DeltaDiscoveryRequest,
    "typeUrl" | "resourceNamesSubscribe" | "resourceNamesUnsubscribe" | "initialResourceVersions" | "responseNonce"
  >
> & { errorDetail?: { code: number; message: string } };

function rejectionOf(errors: readonly string[]): { code: number; message: string } {
  return { code: rejectedCode, message: shortened(errors.join("; ")) };
}

/** Beginning and end: Envoy quotes the whole message first, and says last what is wrong with it. */
function shortened(text: string): string {
  if (text.length <= errorLimit) return text;
  const half = errorLimit / 2;
  return `${text.slice(0, half - 3)} … ${text.slice(-half)}`;
}

function decodeResponse(bytes: Uint8Array): DeltaDiscoveryResponse {
  try {
    return fromBinary(DeltaDiscoveryResponseSchema, bytes);
  } catch (cause) {
    throw agentErrors.badStreamMessage("a delta discovery response of the control plane could not be decoded", {
      cause,
    });
  }
}
