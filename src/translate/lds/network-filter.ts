// One network filter of a filter chain.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { type Filter, FilterSchema } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { packAny } from "../any.ts";

export function buildNetworkFilter<D extends DescMessage>(name: string, schema: D, init: MessageInitShape<D>): Filter {
  return create(FilterSchema, { name, configType: { case: "typedConfig", value: packAny(schema, init) } });
}
