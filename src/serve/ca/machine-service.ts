// Lateen's own protocol for machines: lateen.agent.v1.MachineService.
import { create } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import {
  type AnswerRequest,
  AnswerResponseSchema,
  HelloSchema,
  JoinResponseSchema,
  MachineService,
  RenewResponseSchema,
} from "../../../gen/lateen/agent/v1/agent_pb.ts";
import type { Authority } from "../../ca/authority.ts";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { answerLimit, requestLimit } from "./call-limits.ts";
import { callerOf } from "./caller.ts";
import { answering } from "./connect-error.ts";
import type { IssuanceLimiter } from "./issuance-limiter.ts";
import { type MachineMeshSettings, machineConfigOf } from "./machine-config.ts";
import { machineName } from "./machine-name.ts";
import { certificateProof, type ProofOptions, tokenProof, useToken } from "./proof.ts";

export interface MachineServiceOptions extends Omit<ProofOptions, "trustDomain"> {
  authority: Pick<Authority, "trustDomain" | "acceptRequest" | "signAccepted" | "metrics">;
  /** The mesh as it is now. */
  mesh: () => MachineMeshSettings;
  issuance: IssuanceLimiter;
  random: Random;
  log: Log;
  /** Takes the answer to a question; may throw a LateenError, which the machine is told. */
  onAnswer: (identity: SpiffeId, answer: AnswerRequest) => void | Promise<void>;
}

/** First word of the conversation: what this control plane speaks. Unknown capabilities are ignored on both sides. */
const hello = { protocolVersion: 1, capabilities: ["machine-config", "query"] };

export function machineRoutes(options: MachineServiceOptions): (router: ConnectRouter) => void {
  const { authority, tokens, log } = options;
  const { trustDomain, metrics } = authority;

  const failed = (error: unknown): never => {
    metrics.authenticationFailures.inc();
    throw error;
  };

  return (router) => {
    router.rpc(
      MachineService.method.join,
      (request, context) =>
        answering(log, async () => {
          const caller = callerOf(context);
          const { id, claim, group } = await tokenProof(caller, context.requestHeader, {
            ...options,
            trustDomain,
          }).catch(failed);
          const name = machineName(request, options.random);
          const machine = machineConfigOf(group, options.mesh());
          const accepted = await authority.acceptRequest(request.csr);
          // Last: from here on nothing about the request can fail, so a token is never spent for nothing.
          await useToken(caller, claim, tokens);
          const issued = await authority.signAccepted(accepted, id);
          log.info("a machine joined", {
            name,
            group: `${claim.namespace}/${claim.group}`,
            identity: id,
            serial: issued.serial,
            token: claim.id,
            address: caller.address,
            agent: request.hello?.agentVersion.slice(0, 64),
          });
          return create(JoinResponseSchema, {
            hello: create(HelloSchema, hello),
            certChain: [...issued.chain],
            rootCerts: [issued.roots],
            spiffeId: id,
            name,
            machine,
          });
        }),
      requestLimit,
    );
    router.rpc(
      MachineService.method.renew,
      (request, context) =>
        answering(log, async () => {
          const caller = callerOf(context);
          let id: SpiffeId;
          try {
            id = certificateProof(caller, trustDomain);
          } catch (error) {
            return failed(error);
          }
          const issued = await options.issuance.within(caller, id, async () =>
            authority.signAccepted(await authority.acceptRequest(request.csr), id),
          );
          log.info("renewed a certificate", { identity: id, serial: issued.serial, address: caller.address });
          return create(RenewResponseSchema, { certChain: [...issued.chain], rootCerts: [issued.roots] });
        }),
      requestLimit,
    );
    router.rpc(
      MachineService.method.answer,
      (request, context) =>
        answering(log, async () => {
          await options.onAnswer(certificateProof(callerOf(context), trustDomain), request);
          return create(AnswerResponseSchema);
        }),
      answerLimit,
    );
  };
}
