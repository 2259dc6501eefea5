// What the capture of a machine can be in.
import type { CapturePlan } from "./capture-plan.ts";
import type { RevertGuard } from "./revert-guard.ts";

export type CaptureState =
  | { readonly kind: "absent" }
  /** In place, and taken back by the guards unless confirmed. `previous` is what they go back to. */
  | {
      readonly kind: "unconfirmed";
      readonly plan: CapturePlan;
      readonly previous: Extract<CaptureState, { kind: "confirmed" }> | undefined;
      readonly guards: readonly RevertGuard[];
    }
  | {
      readonly kind: "confirmed";
      readonly plan: CapturePlan;
      /** Of the rules as they were read back, to notice what others change. */
      readonly signature: string;
    };

/** What a look at the kernel's rules showed. */
export type CaptureCheck =
  | { readonly kind: "absent" }
  | { readonly kind: "unconfirmed" }
  | { readonly kind: "intact" }
  /** The rules are there, but NAT rules of somebody else are consulted first; named. */
  | { readonly kind: "outranked"; readonly by: readonly string[] }
  | { readonly kind: "changed" }
  | { readonly kind: "missing" }
  /** Rules of ours are loaded, but not by this process. */
  | { readonly kind: "left-over" };
