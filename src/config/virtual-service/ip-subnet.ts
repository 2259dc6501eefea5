// IP addresses and CIDR blocks in fields of policies and routes.

import { parseIp } from "../../kernel/ip-address.ts";
import { parseCidrRange } from "../ip-address.ts";
import type { Rule } from "../schema.ts";

export function isIpSubnet(text: string): boolean {
  return parseIp(text) !== undefined || parseCidrRange(text) !== undefined;
}

export const ipSubnet: Rule<string> = {
  message: "must be an IP address or a CIDR block such as 10.0.0.0/8",
  test: isIpSubnet,
};
