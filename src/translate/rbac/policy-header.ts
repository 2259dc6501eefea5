// Values of policies for one header as envoy.config.route.v3.HeaderMatcher.
import { create } from "@bufbuild/protobuf";
import { type HeaderMatcher, HeaderMatcherSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { buildValueMatcher } from "./value-matcher.ts";

/** A wildcard alone asks for the header: one that is there and empty is there. */
export function buildPolicyHeader(name: string, value: string, ignoreCase = false): HeaderMatcher {
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier:
      value === "*"
        ? { case: "presentMatch", value: true }
        : { case: "stringMatch", value: buildValueMatcher(value, ignoreCase) },
  });
}
