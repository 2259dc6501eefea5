// What goes back and forth about one type on one stream.
import type { Resource } from "./resource.ts";

/** One request of the client for the type, as DeltaDiscoveryRequest says it. */
export interface SubscriptionRequest {
  /** `resource_names_subscribe`. */
  readonly subscribe: readonly string[];
  /** `resource_names_unsubscribe`. */
  readonly unsubscribe: readonly string[];
  /** `initial_resource_versions`, name to version; read on the first request only. */
  readonly initialVersions: ReadonlyMap<string, string>;
  /** `response_nonce`; empty where the request answers nothing. */
  readonly nonce: string;
  /** The message of `error_detail`. */
  readonly rejection: string | undefined;
}

/** What goes out in one response. */
export interface Batch {
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** 0 for news; 1 and 2 for what is sent once more, to find out which resource of a rejected message was meant. */
  readonly trial: number;
}

/** What a request said about the message in flight. */
export type Reply =
  | { readonly kind: "none" }
  /** A nonce that is not the last one sent. Its subscription changes count all the same (unlike in Istio). */
  | { readonly kind: "stale" }
  | { readonly kind: "ack"; readonly batch: Batch }
  /** `refused` will not be sent again until they change; empty while it is being found out which resource was meant. */
  | { readonly kind: "nack"; readonly message: string; readonly batch: Batch; readonly refused: readonly Resource[] };

/**
 * Which part of what is pending may go out: what is there, or what is gone. That something asked for does not exist is
 * part of "present": the client waits for the answer and loses nothing by it.
 */
export type Part = "all" | "present" | "removed";
