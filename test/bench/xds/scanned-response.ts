// DeltaDiscoveryResponse (envoy/service/discovery/v3/discovery.proto) as a fake sidecar sees it: names, versions, and whether a
// cluster gets its endpoints by EDS.
import { MessageReader } from "./message-reader.ts";

/** `Cluster.type` EDS (envoy.config.cluster.v3.Cluster.DiscoveryType). */
const eds = 3;

export interface ScannedResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly names: readonly string[];
  readonly versions: readonly string[];
  readonly removed: readonly string[];
  /** Names among them whose endpoints come by EDS. */
  readonly edsNames: readonly string[];
}

/** @param withTypes looks into the resources for the cluster type */
export function scanResponse(
  chunks: readonly Buffer[],
  at: number,
  options: { length: number; withTypes: boolean },
): ScannedResponse {
  const reader = new MessageReader(chunks, at, options.length);
  const names: string[] = [];
  const versions: string[] = [];
  const removed: string[] = [];
  const edsNames: string[] = [];
  let typeUrl = "";
  let nonce = "";
  while (!reader.done) {
    const tag = reader.varint();
    const field = tag >>> 3;
    if (field === 2) {
      const isEds = scanResource(reader, { names, versions, withType: options.withTypes });
      if (isEds) edsNames.push(names.at(-1) as string);
    } else if (field === 4) typeUrl = reader.text(reader.varint());
    else if (field === 5) nonce = reader.text(reader.varint());
    else if (field === 6) removed.push(reader.text(reader.varint()));
    else reader.skipField(tag & 7);
  }
  return { typeUrl, nonce, names, versions, removed, edsNames };
}

/** Resource: name = 3, version = 1, resource (an Any) = 2. */
function scanResource(
  reader: MessageReader,
  into: { names: string[]; versions: string[]; withType: boolean },
): boolean {
  const end = reader.remainingAfter(reader.varint());
  let isEds = false;
  while (reader.remaining > end) {
    const tag = reader.varint();
    const field = tag >>> 3;
    if (field === 3) into.names.push(reader.text(reader.varint()));
    else if (field === 1) into.versions.push(reader.text(reader.varint()));
    else if (field === 2 && into.withType) isEds = scanAny(reader);
    else reader.skipField(tag & 7);
  }
  return isEds;
}

/** Any: value = 2. */
function scanAny(reader: MessageReader): boolean {
  const end = reader.remainingAfter(reader.varint());
  let isEds = false;
  while (reader.remaining > end) {
    const tag = reader.varint();
    if (tag >>> 3 === 2) isEds = scanCluster(reader);
    else reader.skipField(tag & 7);
  }
  return isEds;
}

/** Cluster: type = 2, an enum. */
function scanCluster(reader: MessageReader): boolean {
  const end = reader.remainingAfter(reader.varint());
  let type = 0;
  while (reader.remaining > end) {
    const tag = reader.varint();
    if (tag === 2 << 3) type = reader.varint();
    else reader.skipField(tag & 7);
  }
  return type === eds;
}
