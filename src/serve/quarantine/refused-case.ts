// One content that some proxies of one Envoy version rejected.
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import type { ServedSet } from "../../xds/substitution.ts";
import type { Speaker } from "./party.ts";
import type { Subject } from "./subject.ts";

/** A stream that rejected it. */
export interface Refuser extends Speaker {
  /** `name.namespace` of the proxy. */
  readonly proxy: string;
  /** Its words. */
  readonly message: string;
}

/**
 * open: one party's word, which may be wrong or worse. own-affair: it is because of the machine. accepted: another proxy
 * of the version has accepted it. unattributed: nothing of the composed resource is new. aside: nobody of the version is
 * sent it any more.
 */
export type Verdict = "open" | "own-affair" | "accepted" | "unattributed" | "aside";

export interface RefusedCase {
  readonly id: string;
  readonly subject: Subject;
  readonly content: Resource | ResourceFragment;
  readonly sources: readonly ConfigRef[];
  /** Wall clock, milliseconds, of the first rejection. */
  readonly sinceMs: number;
  /** The words of the last proxy. */
  message: string;
  verdict: Verdict;
  /** By connection; what is beyond the bound is only counted. */
  readonly refusers: Map<string, Refuser>;
  uncounted: number;
  /** Sets that have the content now: what is made of the objects where it is set aside, else what is served. */
  readonly present: Set<ServedSet>;
  /** True where something accepted is served instead, in some set. */
  hasAccepted: boolean;
  /** True while some set has the content, and from the last one's end until one of the objects changes. */
  current: boolean;
}
