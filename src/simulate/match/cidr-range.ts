// envoy.config.core.v3.CidrRange
import type { CidrRange } from "../../../gen/envoy/config/core/v3/address_pb.ts";
import { cidrContains, parseCidr, parseIp } from "../../kernel/ip-address.ts";
import { simulateErrors } from "../errors.ts";

/**
 * Bits of the range that hold the address; undefined where it is outside.
 *
 * @param address undefined where the question does not say
 * @throws LateenError LAT2202 where the address decides and is not known
 */
export function prefixLengthHolding(range: CidrRange, address: string | undefined): number | undefined {
  if (address === undefined)
    throw simulateErrors.incompleteCall(`addresses in ${range.addressPrefix} decide: state them`);
  const ip = parseIp(address);
  const cidr = parseCidr(`${range.addressPrefix}/${range.prefixLen ?? 0}`);
  if (cidr === undefined) {
    throw simulateErrors.brokenResource(`${range.addressPrefix}/${range.prefixLen ?? 0} is no block of addresses`);
  }
  return ip !== undefined && cidrContains(cidr, ip) ? cidr.prefix : undefined;
}

export function rangeHolds(range: CidrRange, address: string | undefined): boolean {
  return prefixLengthHolding(range, address) !== undefined;
}
