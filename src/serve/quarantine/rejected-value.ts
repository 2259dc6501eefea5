// The very text that breaks a constraint, read from the rejected content.
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import { VirtualHostSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { isFields } from "../../kernel/fields.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { brokenConstraint } from "./envoy-words.ts";

const schemas: ReadonlyMap<string, DescMessage> = new Map<string, DescMessage>([
  [typeUrls.cluster, ClusterSchema],
  [typeUrls.endpoint, ClusterLoadAssignmentSchema],
  [typeUrls.listener, ListenerSchema],
]);

/** Undefined where the message names no field, or the field holds no text. */
export function rejectedValue(
  content: { readonly body: Uint8Array },
  of: { readonly typeUrl: string; readonly fragment: string | undefined },
  message: string,
): string | undefined {
  const broken = brokenConstraint(message);
  const schema = of.fragment === undefined ? schemas.get(of.typeUrl) : VirtualHostSchema;
  if (broken === undefined || schema === undefined) return undefined;
  const start = of.fragment === undefined ? 0 : broken.path.findIndex((step) => step.startsWith("VirtualHosts")) + 1;
  let value: unknown;
  try {
    value = fromBinary(schema, content.body);
  } catch {
    return undefined; // what we made ourselves can be read; if not, there is nothing to quote
  }
  for (const step of broken.path.slice(start)) value = fieldOf(value, step);
  return typeof value === "string" ? value : undefined;
}

/** `Routes[2]` → `routes`, its third; of a oneof, what is set. */
function fieldOf(message: unknown, step: string): unknown {
  const [, name = "", index] = /^(\w+)(?:\[(\d+)\])?$/.exec(step) ?? [];
  if (!isFields(message)) return undefined;
  const local = `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`;
  let value = message[local];
  for (const each of Object.values(message)) {
    if (value === undefined && isFields(each) && each["case"] === local) value = each["value"];
  }
  return index === undefined ? value : Array.isArray(value) ? value[Number(index)] : undefined;
}
