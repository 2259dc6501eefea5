// Half of what a client sees: its scope's resources, or its workload's own.
import type { ResourceSets } from "./served-half.ts";

export interface Half {
  /** What those that share it have in common. */
  readonly about: unknown;
  readonly sets: ResourceSets;
  /** It holds all it should. */
  readonly filled: boolean;
  dispose(): void;
}
