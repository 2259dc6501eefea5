// What fake sidecars hold of one type. Sidecars that were sent the same share one object, so that thousands fit in one process, and
// the request with which they come back is encoded once.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { ScannedResponse } from "./scanned-response.ts";

export class HeldResources {
  static readonly none: HeldResources = new HeldResources(new Map(), new Set());
  readonly versions: ReadonlyMap<string, string>;
  /** Of clusters: names whose endpoints come by EDS. */
  readonly edsNames: ReadonlySet<string>;
  /** Weak: what nobody holds any more must not be kept by what was held before it. */
  private readonly next: { response: ScannedResponse; held: WeakRef<HeldResources> }[] = [];
  private readonly requests = new Map<string, Uint8Array>();

  private constructor(versions: ReadonlyMap<string, string>, edsNames: ReadonlySet<string>) {
    this.versions = versions;
    this.edsNames = edsNames;
  }

  /** What is held after a response. */
  after(response: ScannedResponse): HeldResources {
    const known = this.next.find((step) => sameContent(step.response, response))?.held.deref();
    if (known !== undefined) return known;
    const versions = new Map(this.versions);
    const edsNames = new Set(this.edsNames);
    response.names.forEach((name, index) => {
      versions.set(name, response.versions[index] ?? "");
      edsNames.delete(name);
    });
    for (const name of response.edsNames) edsNames.add(name);
    for (const name of response.removed) {
      versions.delete(name);
      edsNames.delete(name);
    }
    const held = new HeldResources(versions, edsNames);
    this.next.push({ response, held: new WeakRef(held) });
    if (this.next.length > rememberedSteps) this.next.shift();
    return held;
  }

  /** The encoded first request of a stream; `key` stands for `fields`. */
  firstRequest(key: string, fields: () => MessageInitShape<typeof DeltaDiscoveryRequestSchema>): Uint8Array {
    let request = this.requests.get(key);
    if (request === undefined) {
      request = encodeRequest({ ...fields(), initialResourceVersions: Object.fromEntries(this.versions) });
      this.requests.set(key, request);
    }
    return request;
  }
}

/** Different responses that sidecars in one state may get next. */
const rememberedSteps = 4;

export function encodeRequest(fields: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): Uint8Array {
  return toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields));
}

function sameContent(a: ScannedResponse, b: ScannedResponse): boolean {
  return sameList(a.names, b.names) && sameList(a.versions, b.versions) && sameList(a.removed, b.removed);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
