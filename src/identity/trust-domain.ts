// The name of a SPIFFE trust domain.
import { identityErrors } from "./errors.ts";

declare const brand: unique symbol;
export type TrustDomain = string & { readonly [brand]: "TrustDomain" };

/** SPIFFE-ID §2.1: at most 255 bytes. */
const lengthLimit = 255;

/**
 * Reads a trust domain name as SPIFFE-ID §2.1 spells it: `[a-z0-9._-]+`. Nothing is normalised.
 *
 * @throws LateenError LAT3001
 */
export function parseTrustDomain(text: string): TrustDomain {
  if (text.length > lengthLimit) throw identityErrors.badTrustDomain(`the trust domain is longer than ${lengthLimit}`);
  if (!/^[a-z0-9._-]+$/.test(text)) {
    throw identityErrors.badTrustDomain(`${JSON.stringify(text)} is not a trust domain`);
  }
  return text as TrustDomain;
}
