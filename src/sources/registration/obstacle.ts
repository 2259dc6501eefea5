// What keeps a machine from being registered, and what has to happen before another try is worth it.
import type { LateenError } from "../../kernel/error.ts";

export interface Obstacle {
  readonly error: LateenError;
  /** The event after which it is tried again: the key of the machine in the way, or one of those below. */
  readonly awaits: string;
  /** A connection that begins is refused; one that is served already waits. */
  readonly refuses: boolean;
}

/** A machine was removed. */
export const anyMachineGone = "a machine";

export function groupChanged(namespace: string, name: string): string {
  return `group ${namespace}/${name}`;
}

/** A machine that was registered with the certificate is so no more. */
export function certificateFreed(serial: string): string {
  return `certificate ${serial}`;
}
