// What an SDS stream needs and offers, whichever variant of the protocol it speaks.
import type { MachineIdentity } from "../identity/machine-identity.ts";

/** Where the identity comes from; `IdentityManager` has this shape. */
export interface IdentitySource {
  readonly identity: MachineIdentity | undefined;
  onChange(listener: (identity: MachineIdentity) => void): () => void;
}

/** A stream that is told of new identities. */
export interface SecretStream {
  message(bytes: Uint8Array): void;
  rotated(identity: MachineIdentity): void;
}

/** Most names on one stream; Envoy asks for one each. */
export const nameLimit = 64;
