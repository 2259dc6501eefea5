// One response to Envoy: what may go into it, what it was, and what came of it.
import type { CachedResource, Refusal } from "./resource-cache.ts";

export interface DeltaResponse {
  resources: readonly CachedResource[];
  removed: readonly string[];
}

/** What Envoy's answer decided. Names of a rejected response that are tried again one half at a time are in neither list. */
export interface Verdict {
  accepted: readonly string[];
  rejected: readonly Refusal[];
}

/** What may go out with the next response; what may not stays due. */
export interface Permit {
  send: (resource: CachedResource) => boolean;
  remove: (name: string) => boolean;
}

export interface Flight {
  nonce: string;
  /** What was sent, and the version that Envoy held before. */
  sent: Map<string, { resource: CachedResource; before: string | undefined }>;
  removed: ReadonlySet<string>;
}
