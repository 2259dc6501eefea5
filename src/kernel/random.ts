// Randomness comes from outside, so that tests can repeat it.
import { randomBytes as systemBytes } from "node:crypto";

export interface Random {
  /** Uniform in [0, 1); not for secrets. */
  fraction(): number;
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (length) => new Uint8Array(systemBytes(length)),
};
