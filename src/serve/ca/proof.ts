// How a caller proves who it is to the CA: a client certificate of the mesh, or a join token. Whatever the call, the same
// proof gets the same answer (T18).
import type { JoinTokenClaim, JoinTokens } from "../../ca/join-tokens.ts";
import type { Config } from "../../config/object.ts";
import { serviceAccountOf } from "../../config/workload-group/service-account.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { type SpiffeId, trustDomainOf, workloadOf, workloadSpiffeId } from "../../identity/spiffe-id.ts";
import type { TrustDomain } from "../../identity/trust-domain.ts";
import type { Caller } from "./caller.ts";
import { caServiceErrors } from "./errors.ts";

export interface TokenProof {
  readonly id: SpiffeId;
  readonly claim: JoinTokenClaim;
  readonly group: Config<WorkloadGroup>;
}

export interface ProofOptions {
  trustDomain: TrustDomain;
  tokens: Pick<JoinTokens, "verify" | "consume">;
  groupOf: (namespace: string, name: string) => Config<WorkloadGroup> | undefined;
}

/** Longest authorization header that is looked at, characters: an Istio agent may send a JWT, which is refused. */
const headerLimit = 16 << 10;

/**
 * The one workload of this trust domain that the client certificate proves.
 *
 * @throws LateenError LAT3201
 */
export function certificateProof(caller: Caller, trustDomain: TrustDomain): SpiffeId {
  if (caller.peer.kind !== "verified") throw caServiceErrors.unauthenticated("there is no client certificate");
  const [id, ...more] = caller.peer.identities;
  if (id === undefined || more.length > 0 || trustDomainOf(id) !== trustDomain || workloadOf(id) === undefined) {
    throw caServiceErrors.unauthenticated(`the client certificate proves no single workload of ${trustDomain}`);
  }
  return id;
}

/**
 * Spends a use of the token, for a caller who is still there and stays until the answer.
 *
 * @throws LateenError LAT3205, and what `JoinTokens.consume` throws
 */
export async function useToken(
  caller: Caller,
  claim: JoinTokenClaim,
  tokens: Pick<JoinTokens, "consume">,
): Promise<void> {
  if (caller.keep?.() === false) throw caServiceErrors.callOver("the call was over before its token was used");
  await tokens.consume(claim);
}

/**
 * The workload that a join token stands for. The token is not used up by this.
 *
 * @throws LateenError LAT3107, LAT3108, LAT3201, LAT3202, or LAT3002 where the group's service account cannot be one
 */
export async function tokenProof(caller: Caller, headers: Headers, options: ProofOptions): Promise<TokenProof> {
  if (caller.peer.kind === "plaintext") {
    throw caServiceErrors.unauthenticated("join tokens are not taken over plaintext");
  }
  const header = headers.get("authorization") ?? "";
  const token = header.length > headerLimit ? undefined : /^Bearer ([^\s,]+)$/i.exec(header)?.[1];
  if (token === undefined) throw caServiceErrors.unauthenticated("there is no join token");
  const claim = await options.tokens.verify(token, caller.address);
  const group = options.groupOf(claim.namespace, claim.group);
  if (group === undefined) {
    throw caServiceErrors.groupMissing(`there is no WorkloadGroup ${claim.namespace}/${claim.group}`);
  }
  const id = workloadSpiffeId(options.trustDomain, claim.namespace, serviceAccountOf(group.spec));
  return { id, claim, group };
}
