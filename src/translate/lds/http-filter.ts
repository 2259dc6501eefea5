// One HTTP filter of a connection manager.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type HttpFilter,
  HttpFilterSchema,
} from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { packAny } from "../any.ts";

export function buildHttpFilter<D extends DescMessage>(name: string, schema: D, init: MessageInitShape<D>): HttpFilter {
  return create(HttpFilterSchema, { name, configType: { case: "typedConfig", value: packAny(schema, init) } });
}
