// DeltaDiscoveryRequest and DiscoveryRequest (envoy/service/discovery/v3/discovery.proto), scanned rather than decoded:
// only the node becomes an object, once per stream, and counts are checked while reading (X4, X18).
import { fromBinary } from "@bufbuild/protobuf";
import { type Node, NodeSchema } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { xdsErrors } from "../../xds/errors.ts";
import type { SotwRequest } from "../../xds/sotw-subscription.ts";
import type { SubscriptionRequest } from "../../xds/subscription-request.ts";
import { serveErrors } from "../errors.ts";
import { type AdsLimits, nameBytes, rejectionLength, typeUrlBytes } from "./limits.ts";
import { ProtoReader } from "./proto-reader.ts";
import type { TextTable } from "./text-table.ts";

export interface Rejection {
  /** google.rpc.Code. */
  readonly code: number;
  readonly message: string;
}

interface Envelope {
  readonly typeUrl: string;
  /** Not decoded yet: only the first one of a stream counts. */
  readonly node: Uint8Array | undefined;
  readonly error: Rejection | undefined;
}

export type DeltaMessage = Envelope & SubscriptionRequest;
export type SotwMessage = Envelope & SotwRequest;

type NameLimits = Pick<AdsLimits, "namesPerStream">;

/** Versions are hashes; other servers' versions come back after a change of control plane. */
const versionBytes = 512;
const nonceBytes = 512;

/**
 * @param texts where names and versions are looked up
 * @throws LateenError LAT2002, or LAT2101 where there are more names than a stream may have
 */
export function readDeltaRequest(message: Uint8Array, limits: NameLimits, texts: TextTable): DeltaMessage {
  const reader = new ProtoReader(message);
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  const initialVersions = new Map<string, string>();
  let typeUrl = "";
  let nonce = "";
  let node: Uint8Array | undefined;
  let error: Rejection | undefined;
  let entries = 0;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field >= 3 && field <= 5) entries += 1; // also empty names, and names said again: each is looked up
    checkCount(entries / 3, limits);
    switch (field) {
      case 1:
        node = reader.bytesValue("node");
        break;
      case 2:
        typeUrl = reader.repeatedText("type_url", typeUrlBytes, texts, "names");
        break;
      case 3:
        takeName(reader, subscribe, limits, texts);
        break;
      case 4:
        takeName(reader, unsubscribe, limits, texts);
        break;
      case 5:
        readEntry(reader, initialVersions, texts);
        checkCount(initialVersions.size, limits);
        break;
      case 6:
        nonce = reader.stringValue("response_nonce", nonceBytes);
        break;
      case 7:
        error = readStatus(reader.bytesValue("error_detail"));
        break;
      default:
        reader.skip();
    }
  }
  checkType(typeUrl);
  return { typeUrl, node, error, subscribe, unsubscribe, initialVersions, nonce, rejection: error?.message };
}

/** @throws LateenError LAT2002, or LAT2101 where there are more names than a stream may have */
export function readSotwRequest(message: Uint8Array, limits: NameLimits, texts: TextTable): SotwMessage {
  const reader = new ProtoReader(message);
  const names: string[] = [];
  let typeUrl = "";
  let versionInfo = "";
  let nonce = "";
  let node: Uint8Array | undefined;
  let error: Rejection | undefined;
  let entries = 0;
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 3) entries += 1;
    checkCount(entries, limits);
    switch (field) {
      case 1:
        versionInfo = reader.stringValue("version_info", versionBytes);
        break;
      case 2:
        node = reader.bytesValue("node");
        break;
      case 3:
        takeName(reader, names, limits, texts);
        break;
      case 4:
        typeUrl = reader.repeatedText("type_url", typeUrlBytes, texts, "names");
        break;
      case 5:
        nonce = reader.stringValue("response_nonce", nonceBytes);
        break;
      case 6:
        error = readStatus(reader.bytesValue("error_detail"));
        break;
      default:
        reader.skip();
    }
  }
  checkType(typeUrl);
  return { typeUrl, node, error, names, versionInfo, nonce, rejection: error?.message };
}

/** @throws LateenError LAT2001 where it is too long or not a Node */
export function decodeNode(bytes: Uint8Array | undefined, limits: Pick<AdsLimits, "nodeBytes">): Node | undefined {
  if (bytes === undefined) return undefined;
  if (bytes.length > limits.nodeBytes) throw xdsErrors.badNode(`the node is longer than ${limits.nodeBytes} bytes`);
  try {
    return fromBinary(NodeSchema, bytes);
  } catch (cause) {
    // Also where metadata is nested so deep that the decoder ran out of stack.
    throw xdsErrors.badNode("the node cannot be decoded", { cause });
  }
}

/** An empty name names nothing. */
function takeName(reader: ProtoReader, names: string[], limits: NameLimits, texts: TextTable): void {
  const name = reader.repeatedText("a resource name", nameBytes, texts, "names");
  if (name !== "") names.push(name);
  checkCount(names.length, limits);
}

function readEntry(reader: ProtoReader, versions: Map<string, string>, texts: TextTable): void {
  const outer = reader.enter("initial_resource_versions");
  let name = "";
  let version = "";
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) name = reader.repeatedText("initial_resource_versions", nameBytes, texts, "entries");
    else if (field === 2) version = reader.repeatedText("initial_resource_versions", versionBytes, texts, "entries");
    else reader.skip();
  }
  reader.leave(outer);
  versions.set(name, version);
}

/** google.rpc.Status; its details are passed over. */
function readStatus(bytes: Uint8Array): Rejection {
  const reader = new ProtoReader(bytes);
  let code = 0;
  let message = "";
  for (let field = reader.field(); field !== 0; field = reader.field()) {
    if (field === 1) code = reader.intValue("error_detail.code");
    else if (field === 2) {
      const text = reader.bytesValue("error_detail.message");
      // Envoy quotes what it rejects, so it may be long and need not be UTF-8.
      message = shortened(text);
    } else reader.skip();
  }
  return { code, message };
}

/** Beginning and end: Envoy quotes the whole message first, and says last what is wrong with it. */
function shortened(text: Uint8Array): string {
  const read = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  if (text.length <= rejectionLength) return read(text);
  const half = rejectionLength / 2;
  return `${read(text.subarray(0, half - 3))} … ${read(text.subarray(text.length - half))}`;
}

function checkCount(count: number, limits: NameLimits): void {
  if (count > limits.namesPerStream) {
    throw serveErrors.limitExceeded(`a request has more than ${limits.namesPerStream} resource names`);
  }
}

function checkType(typeUrl: string): void {
  if (!/^[\w.\-/]+$/.test(typeUrl)) throw xdsErrors.badRequest("the request has no valid type_url");
}
