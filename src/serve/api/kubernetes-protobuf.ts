// Kubernetes' protobuf bodies, as far as they reach this API: kubectl creates namespaces with them, whatever else the
// server offers.
//
// An object is `k8s\0` and a runtime.Unknown whose `raw` is the message of its kind (k8s.io/api core/v1 generated.proto,
// k8s.io/apimachinery meta/v1 and runtime generated.proto).
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { StatusError } from "./status-error.ts";

export const kubernetesProtobuf = "application/vnd.kubernetes.protobuf";

const magic = [0x6b, 0x38, 0x73, 0x00];

/** What a field of a message is read to: a name and a reader of its bytes, or of several. */
type Fields = Record<number, { name: string; read: "text" | "texts" | "map" | Fields }>;

const mapEntry: Fields = { 1: { name: "key", read: "text" }, 2: { name: "value", read: "text" } };

/** ObjectMeta's fields that a client may set. */
const objectMeta: Fields = {
  1: { name: "name", read: "text" },
  2: { name: "generateName", read: "text" },
  3: { name: "namespace", read: "text" },
  5: { name: "uid", read: "text" },
  6: { name: "resourceVersion", read: "text" },
  11: { name: "labels", read: "map" },
  12: { name: "annotations", read: "map" },
  14: { name: "finalizers", read: "texts" },
};

const messages: Record<string, Fields> = {
  "v1/Namespace": {
    1: { name: "metadata", read: objectMeta },
    2: { name: "spec", read: { 1: { name: "finalizers", read: "texts" } } },
  },
};

/** @throws StatusError 400 where the bytes are damaged, 415 where the kind is not taken in this form */
export function decodeKubernetesProtobuf(bytes: Uint8Array): unknown {
  if (magic.some((byte, index) => bytes[index] !== byte)) {
    throw new StatusError("badRequest", "the body is not an object in Kubernetes' protobuf form");
  }
  try {
    const envelope = readMessage(bytes.subarray(magic.length), {
      1: { name: "type", read: { 1: { name: "apiVersion", read: "text" }, 2: { name: "kind", read: "text" } } },
    }) as { type?: { apiVersion?: string; kind?: string } };
    const { apiVersion = "", kind = "" } = envelope.type ?? {};
    const fields = Object.hasOwn(messages, `${apiVersion}/${kind}`) ? messages[`${apiVersion}/${kind}`] : undefined;
    if (fields === undefined) {
      throw new StatusError("unsupportedMediaType", "this kind is not taken as protobuf; use application/json");
    }
    const raw = bytesField(bytes.subarray(magic.length), 2);
    return { apiVersion, kind, ...(readMessage(raw, fields) as object) };
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw new StatusError("badRequest", "the protobuf body is damaged");
  }
}

function readMessage(bytes: Uint8Array, fields: Fields): Record<string, unknown> {
  const reader = new BinaryReader(bytes);
  const message: Record<string, unknown> = {};
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields[number];
    if (field === undefined || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      continue;
    }
    const { name, read } = field;
    if (read === "text") {
      const text = reader.string();
      // Go writes empty texts too.
      if (text !== "") message[name] = text;
    } else if (read === "texts") {
      const texts = (message[name] ?? []) as string[];
      texts.push(reader.string());
      message[name] = texts;
    } else if (read === "map") {
      const entry = readMessage(reader.bytes(), mapEntry);
      const { key = "", value = "" } = entry as { key?: string; value?: string };
      if (key === "__proto__") throw new StatusError("badRequest", 'the key "__proto__" is not allowed');
      const map = (message[name] ?? {}) as Record<string, string>;
      map[key] = value;
      message[name] = map;
    } else message[name] = readMessage(reader.bytes(), read);
  }
  return message;
}

function bytesField(bytes: Uint8Array, wanted: number): Uint8Array {
  const reader = new BinaryReader(bytes);
  let found = new Uint8Array();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted && wireType === WireType.LengthDelimited) found = new Uint8Array(reader.bytes());
    else reader.skip(wireType, number);
  }
  return found;
}
