// An address or a CIDR block as envoy.config.core.v3.CidrRange.
import { create } from "@bufbuild/protobuf";
import { type CidrRange, CidrRangeSchema } from "../../gen/envoy/config/core/v3/address_pb.ts";

/** `10.0.0.0/8`, or a single address. */
export function buildCidrRange(block: string): CidrRange {
  const [addressPrefix = "", length] = block.split("/");
  const whole = addressPrefix.includes(":") ? 128 : 32;
  return create(CidrRangeSchema, { addressPrefix, prefixLen: length === undefined ? whole : Number(length) });
}
