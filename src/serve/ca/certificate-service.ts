// Istio's CA protocol: istio.v1.auth.IstioCertificateService, which Istio's agents speak.
import type { ConnectRouter } from "@connectrpc/connect";
import { IstioCertificateService } from "../../../gen/istio/v1/auth/ca_pb.ts";
import type { Authority } from "../../ca/authority.ts";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import type { Log } from "../../kernel/log.ts";
import { requestLimit } from "./call-limits.ts";
import { type Caller, callerOf } from "./caller.ts";
import { answering } from "./connect-error.ts";
import { caServiceErrors } from "./errors.ts";
import type { IssuanceLimiter } from "./issuance-limiter.ts";
import { certificateProof, type ProofOptions, type TokenProof, tokenProof, useToken } from "./proof.ts";

export interface CertificateServiceOptions extends Omit<ProofOptions, "trustDomain"> {
  authority: Pick<Authority, "trustDomain" | "acceptRequest" | "signAccepted" | "metrics">;
  issuance: IssuanceLimiter;
  log: Log;
}

/** Key of Istio's request metadata by which a node agent asks for a certificate of a workload on its node. */
const impersonationKey = "ImpersonatedIdentity";

/**
 * CreateCertificate: the SAN is the identity that was proven, whatever the request says. `cert_chain` is the leaf, the
 * issuing authority and, last, the roots; each is PEM with a newline at its end.
 */
export function certificateRoutes(options: CertificateServiceOptions): (router: ConnectRouter) => void {
  const { authority, log } = options;
  return (router) => {
    router.rpc(
      IstioCertificateService.method.createCertificate,
      (request, context) =>
        answering(log, async () => {
          const caller = callerOf(context);
          const proof = await prove(caller, context.requestHeader, options);
          if (request.metadata?.[impersonationKey] !== undefined) {
            throw caServiceErrors.impersonation("the request asks for an impersonated identity");
          }
          const issued = await options.issuance.within(caller, proof.id, async () => {
            const accepted = await authority.acceptRequest(request.csr, request.validityDuration);
            if (proof.token !== undefined) await useToken(caller, proof.token.claim, options.tokens);
            return authority.signAccepted(accepted, proof.id);
          });
          log.info("issued a certificate", {
            identity: proof.id,
            serial: issued.serial,
            address: caller.address,
            token: proof.token?.claim.id,
          });
          return { certChain: [...issued.chain, issued.roots] };
        }),
      requestLimit,
    );
  };
}

/** A certificate goes before a token, as in Istio: an agent that has one keeps sending its old token. */
async function prove(
  caller: Caller,
  headers: Headers,
  options: CertificateServiceOptions,
): Promise<{ id: SpiffeId; token: TokenProof | undefined }> {
  const { trustDomain, metrics } = options.authority;
  try {
    if (caller.peer.kind === "verified") return { id: certificateProof(caller, trustDomain), token: undefined };
    const token = await tokenProof(caller, headers, { ...options, trustDomain });
    return { id: token.id, token };
  } catch (error) {
    metrics.authenticationFailures.inc();
    throw error;
  }
}
