// What loads, reads and removes rules on a host; nftables and iptables are the two.
import type { CapturePlan } from "./capture-plan.ts";
import type { LoadedRules } from "./loaded-rules.ts";
import type { RuleStep } from "./rule-step.ts";

export interface CaptureBackend {
  readonly name: "nftables" | "iptables";

  /**
   * The steps that put this plan in the place of whatever is loaded.
   *
   * @throws LateenError LAT4102 where the host cannot carry out the plan
   */
  replaceSteps(plan: CapturePlan): Promise<readonly RuleStep[]>;

  /**
   * Steps that put the machine back: to `plan`, or to no capture. Once made, they work at any later time, whatever is
   * loaded by then, because a guard process runs them when everything else may be dead.
   */
  revertSteps(plan: CapturePlan | undefined): Promise<readonly RuleStep[]>;

  /** Leaves nothing of ours; removing nothing is no error. */
  remove(): Promise<void>;

  /** Our rules as the kernel holds them, one entry per address family that has its own; empty where there are none. */
  read(): Promise<readonly LoadedRules[]>;
}
