// VirtualService.spec.http[].directResponse → envoy.config.route.v3.DirectResponseAction
import { create } from "@bufbuild/protobuf";
import {
  type DirectResponseAction,
  DirectResponseActionSchema,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { DirectResponse } from "../../config/virtual-service/direct-response.ts";
import { fromBase64 } from "../../kernel/bytes.ts";

export function buildDirectResponse(response: DirectResponse): DirectResponseAction {
  const out = create(DirectResponseActionSchema, { status: response.status });
  const specifier =
    response.body?.string !== undefined
      ? ({ case: "inlineString", value: response.body.string } as const)
      : response.body?.bytes !== undefined
        ? ({ case: "inlineBytes", value: fromBase64(response.body.bytes) ?? new Uint8Array() } as const)
        : undefined;
  if (specifier !== undefined) out.body = create(DirectResponseActionSchema, { body: { specifier } }).body;
  return out;
}
