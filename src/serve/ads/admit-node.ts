// Node metadata is a claim; the certificate is the proof. A stream is served only where they agree (X15).
import { workloadOf } from "../../identity/spiffe-id.ts";
import { xdsErrors } from "../../xds/errors.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { serveErrors } from "../errors.ts";
import type { Peer } from "../peer.ts";

/**
 * The identities that the stream is served for; none on a plaintext stream.
 *
 * @throws LateenError LAT2102 without a certificate on a TLS port, LAT2004 where no proven identity is in the namespace
 *   and of the service account that the node claims
 */
export function admitNode(node: NodeInfo, peer: Peer): readonly string[] {
  if (peer.kind === "plaintext") return [];
  if (peer.kind === "anonymous") throw serveErrors.unauthenticated("the stream has no client certificate");
  const proven = peer.identities.filter((id) => {
    const workload = workloadOf(id);
    if (workload === undefined || workload.namespace !== node.namespace) return false;
    return node.serviceAccount === undefined || workload.serviceAccount === node.serviceAccount;
  });
  if (proven.length === 0) {
    const claim = `namespace ${node.namespace}, service account ${node.serviceAccount ?? "(none)"}`;
    throw xdsErrors.identityMismatch(`the node claims ${claim}; the certificate proves ${peer.identities.join(", ")}`);
  }
  return proven;
}

/** Types that hold secrets, change state, or look into the control plane. */
const identityTypes: ReadonlySet<string> = new Set([typeUrls.secret, typeUrls.health, typeUrls.query]);

/**
 * @throws LateenError LAT2005 where the type needs a proven identity and there is none (X13), and for Istio's debug types,
 *   which are not served on a proxy's stream at all
 */
export function checkTypePermitted(typeUrl: string, peer: Peer): void {
  if (/^istio\.io\/debug\b/.test(typeUrl)) throw xdsErrors.notPermitted(`${typeUrl} is not served on this port`);
  if (peer.kind !== "verified" && identityTypes.has(typeUrl)) {
    throw xdsErrors.notPermitted(`${typeUrl} needs an identity proven by mutual TLS`);
  }
}
