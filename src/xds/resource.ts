// One xDS resource, encoded once.
import type { ConfigRef } from "./config-ref.ts";

export interface Resource {
  readonly typeUrl: string;
  readonly name: string;
  /** A hash of the content; equal content has an equal version, also after a restart. */
  readonly version: string;
  /** The encoded message: the value of the `google.protobuf.Any`. Shared by every proxy that gets it; never changed. */
  readonly body: Uint8Array;
  /** The objects that made it, for status, quarantine and `why`. */
  readonly sources: readonly ConfigRef[];
  /**
   * Name of the resource of another type that Envoy waits for after this one: an EDS cluster's load assignment, an RDS
   * listener's route configurations.
   */
  readonly needs?: readonly ResourceName[];
  /**
   * True of content that must not be sent, where nothing is known that could be sent instead: who holds an older one keeps
   * it. Its version is unlike that of the content itself.
   */
  readonly withheld?: true;
  /**
   * Of a resource that is put together from parts which change one by one: the parts, in the order of the resource (a route
   * configuration's virtual hosts). Parts that did not change are the same objects as before.
   */
  readonly fragments?: readonly ResourceFragment[];
}

/** One part of a composed resource, encoded once. */
export interface ResourceFragment {
  /** Unique in its resource: the virtual host's name. */
  readonly name: string;
  /** A hash of `body`. */
  readonly version: string;
  /** The encoded part, as it stands in the resource. */
  readonly body: Uint8Array;
  /** The objects that made it. */
  readonly sources: readonly ConfigRef[];
}

export interface ResourceName {
  readonly typeUrl: string;
  readonly name: string;
}
