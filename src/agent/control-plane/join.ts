// The first contact: a token in, an identity out.
import type { JoinResponse } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { parseJoinToken } from "../../identity/join-token.ts";
import type { Clock } from "../../kernel/clock.ts";
import { Secret } from "../../kernel/secret.ts";
import { agentErrors } from "../errors.ts";
import type { IssuedCertificate } from "../identity/machine-identity.ts";
import type { ControlPlaneAddress } from "./control-plane-address.ts";
import { fetchRootByPin } from "./fetch-root-by-pin.ts";
import { MachineClient } from "./machine-client.ts";

export interface JoinRequest {
  address: ControlPlaneAddress;
  /** The whole token, as `lateen token create` printed it. */
  token: Secret<string>;
  /** Name the machine asks for; the control plane chooses without one. */
  name?: string;
  /** Addresses of the machine, the primary one first. */
  addresses: readonly string[];
  agentVersion: string;
  capabilities: readonly string[];
}

/** Version of lateen.agent.v1 that this agent speaks. */
export const protocolVersion = 1;

/**
 * Verifies the control plane by the pin in the token, then proves the machine by the token.
 *
 * @param csr PEM
 * @throws LateenError LAT3008 where the token is none, LAT3303 to LAT3306, or LAT3309 where the token was not looked at
 */
export async function join(
  request: JoinRequest,
  csr: string,
  clock: Clock,
): Promise<{ issued: IssuedCertificate; response: JoinResponse }> {
  const { address, token, name = "", addresses, agentVersion, capabilities } = request;
  const { pin } = parseJoinToken(token.reveal().trim());
  const root = await fetchRootByPin(address, pin, { clock });
  const client = new MachineClient({ address, material: { roots: root } });
  const response = await client.join(new Secret(token.reveal().trim()), {
    hello: { protocolVersion, capabilities: [...capabilities], agentVersion },
    csr,
    name,
    addresses: [...addresses],
  });
  // The token vouches for this root; a bundle without it could only come from somebody else.
  if (!response.rootCerts.some((pem) => pem.includes(root.trim()))) {
    throw agentErrors.badIdentity("the roots that the control plane sent lack the one that the token names");
  }
  return { issued: { chain: response.certChain, roots: response.rootCerts }, response };
}
