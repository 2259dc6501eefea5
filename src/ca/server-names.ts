// The names the control plane's certificate carries.
import { isIP } from "node:net";
import { quoted } from "../kernel/quote.ts";
import { caErrors } from "./errors.ts";

export interface ServerNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** Most advertised names. */
const nameLimit = 100;
const dnsName = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)*$/;

/**
 * Istio's names of a control plane, the loopback ones, and those it is advertised under. The first DNS name is Istio's
 * own for the root namespace.
 *
 * @param advertised DNS names and IP addresses
 * @throws LateenError LAT3110
 */
export function controlPlaneNames(rootNamespace: string, advertised: readonly string[]): ServerNames {
  if (advertised.length > nameLimit) throw caErrors.badServerName(`more than ${nameLimit} names are advertised`);
  const dnsNames = new Set([`istiod.${rootNamespace}.svc`, "istiod.istio-system.svc", "localhost"]);
  const ipAddresses = new Set(["127.0.0.1", "::1"]);
  for (const name of advertised) {
    const lower = name.toLowerCase();
    if (isIP(name) !== 0 && !name.includes("%")) ipAddresses.add(lower);
    else if (name.length <= 253 && dnsName.test(lower) && !/^[0-9.]+$/.test(name)) dnsNames.add(lower);
    else throw caErrors.badServerName(`${quoted(name)} is neither a DNS name nor an IP address`);
  }
  return { dnsNames: [...dnsNames], ipAddresses: [...ipAddresses] };
}
