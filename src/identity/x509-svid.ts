// X509-SVIDs: which certificates prove a workload.
import { identityErrors } from "./errors.ts";
import { parseSpiffeId, type SpiffeId } from "./spiffe-id.ts";
import type { SvidFields } from "./svid-fields.ts";

/**
 * The SPIFFE id a leaf certificate carries, by X509-SVID §2 and §5.2: exactly one URI name, which is a SPIFFE id with a
 * path, and no power to sign others. The chain must have been verified before.
 *
 * @throws LateenError LAT3002 or LAT3007
 */
export function svidSpiffeId(certificate: SvidFields): SpiffeId {
  if (certificate.isAuthority || certificate.signsOthers) {
    throw identityErrors.badCertificate("an authority's certificate does not prove a workload");
  }
  const [uri, ...more] = certificate.uris;
  if (uri === undefined || more.length > 0) {
    throw identityErrors.badCertificate(`a workload's certificate has exactly one URI, not ${certificate.uris.length}`);
  }
  const id = parseSpiffeId(uri);
  if (id.split("/").length < 4)
    throw identityErrors.badCertificate("a trust domain's own id does not prove a workload");
  return id;
}
