// The name a machine gets at its join; part of its node id and of its WorkloadEntry's name.
import { formatIp, parseIp } from "../../kernel/ip-address.ts";
import { quoted } from "../../kernel/quote.ts";
import type { Random } from "../../kernel/random.ts";
import { caServiceErrors } from "./errors.ts";

/** RFC 1123 label. */
const label = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** Most addresses a machine may give. */
const addressLimit = 64;
const suffixAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * The name the machine asks for; without one, `vm-` and its first address; without that, `vm-` and random characters.
 * Names of two machines may be equal: registration says which of them has it.
 *
 * @throws LateenError LAT3203
 */
export function machineName(asked: { name: string; addresses: readonly string[] }, random: Random): string {
  const { name, addresses } = asked;
  if (addresses.length > addressLimit) throw caServiceErrors.badMachine(`more than ${addressLimit} addresses`);
  const parsed = addresses.map((text) => {
    const bytes = text.length > 64 ? undefined : parseIp(text);
    if (bytes === undefined) throw caServiceErrors.badMachine(`${quoted(text)} is not an IP address`);
    return bytes;
  });
  if (name !== "") {
    if (!label.test(name)) throw caServiceErrors.badMachine(`${quoted(name)} is not a machine's name`);
    return name;
  }
  const [first] = parsed;
  const derived = `vm-${formatIp(first ?? new Uint8Array(4)).replaceAll(/[:.]+/g, "-")}`;
  if (first !== undefined && label.test(derived)) return derived;
  return `vm-${[...random.bytes(8)].map((byte) => suffixAlphabet[byte & 31]).join("")}`;
}
