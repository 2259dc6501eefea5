// Who keeps a name or an address that two machines claim.
//
// An address is only said, so a claim must not take it from another account's machine, not even while that one is away: a
// machine would lose its place whenever the control plane or its own connection starts again. Where the connection itself
// comes from the address, it is more than said: the network leads there. But a machine may forward for others, who then
// come from its address as well: against a machine that was seen there too, it says nothing.
import type { Config } from "../../config/object.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import type { LateenError } from "../../kernel/error.ts";
import type { Claim } from "./claim.ts";
import { registrationErrors } from "./errors.ts";
import type { Machine } from "./machine.ts";
import { groupChanged, type Obstacle } from "./obstacle.ts";

/** Why the claim's account must not have the name, which is for another account's group. */
export function nameReserved(claim: Claim, { key }: Config<WorkloadGroup>): Obstacle {
  const error = registrationErrors.nameTaken(
    `${key.namespace}/${claim.name} is the name of a machine of WorkloadGroup ${key.name}; the claim comes from ${claim.identity} for ${claim.group}`,
  );
  return { error, awaits: groupChanged(key.namespace, key.name), refuses: false };
}

/** Why the machine that is registered under the claimed name keeps it; undefined where the claim is as good. */
export function nameConflict(owner: Machine, claim: Claim): LateenError | undefined {
  const { identity, group, node, network } = claim;
  const sameIdentity = owner.identity === identity;
  if (owner.state.kind === "leaving" && sameIdentity) return undefined;
  const sameAddress = owner.network === network && owner.node.ips.some((ip) => node.ips.includes(ip));
  if (sameIdentity && owner.group === group && sameAddress) return undefined;
  return registrationErrors.nameTaken(
    `${owner.namespace}/${owner.name} is ${owner.identity} at ${owner.node.ips[0]}, and ${presence(owner)}; the claim comes from ${identity} at ${node.ips[0]}`,
  );
}

/** Why another machine, which has the claimed address, keeps it; undefined where it must go. */
export function addressConflict(rival: Machine, claim: Claim): LateenError | undefined {
  const sameIdentity = rival.identity === claim.identity;
  if (sameIdentity && rival.state.kind === "leaving") return undefined;
  if (!sameIdentity && claim.seenThere && !rival.seenThere) return undefined;
  return registrationErrors.addressTaken(
    `the address ${claim.node.ips[0]} belongs to ${rival.namespace}/${rival.name}, which is ${presence(rival)}`,
  );
}

function presence({ state }: Machine): string {
  return state.kind === "connected" ? "connected" : "expected back";
}
