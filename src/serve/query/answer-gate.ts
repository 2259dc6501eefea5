// Answers may be as large as Envoy's dump of a large mesh, so they are taken only from machines that were asked, and no
// more at one time than there are questions.

import { MachineService } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { Tally } from "../../kernel/tally.ts";
import { serveErrors } from "../errors.ts";
import type { CallGuard } from "../listen/call-guard.ts";

const { answer } = MachineService.method;
/** HTTP/2 path of the call that carries an answer. */
export const answerPath = `/${answer.parent.typeName}/${answer.name}`;
/** An answer that was taken may be a moment from its end when the next one comes. */
const leavingLimit = 1;

/** @param questionsTo questions that wait for an identity */
export function answerGate(questionsTo: (identity: string) => number): CallGuard {
  const open = new Tally<string>();
  return (peer, stream) => {
    const [identity] = peer.kind === "verified" ? peer.identities : [];
    const asked = identity === undefined ? 0 : questionsTo(identity);
    if (identity === undefined || asked === 0 || open.get(identity) >= asked + leavingLimit) {
      return serveErrors.unknownQuestion("no question waits for this machine");
    }
    open.add(identity);
    stream.once("close", () => open.remove(identity));
    return undefined;
  };
}
