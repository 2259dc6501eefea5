// One connected proxy in detail: `lateen proxy-status NAME` and `/debug/proxies/{name}`.
import type { ProxyStatus, SyncState } from "./proxy-status.ts";

/** A change of an object that a push was for. */
export interface ObjectChange {
  /** Counts up from 1 since the control plane started. */
  number: number;
  /** RFC 3339. */
  at: string;
  /** `Kind/namespace/name` */
  object: string;
  change: "created" | "changed" | "deleted";
  /** Fields that differ, spelled like `spec.http[0].timeout`; at most 16. */
  fields: string[];
  /** There are more fields than are named, or too much changed at once to compare all. */
  moreFields?: boolean;
}

/** One push: the same content to one or many proxies. */
export interface PushSummary {
  number: number;
  /** RFC 3339, of the first proxy. */
  at: string;
  /** RFC 3339, of the last proxy so far. */
  lastAt: string;
  /** `CDS` */
  type: string;
  /** Istio's reason: `config`, `endpoint`, `service`, `proxyrequest`, `depdendentresource`, `unknown`; ours: `trial`. */
  reason: string;
  proxies: number;
  /** Of one message. */
  resources: number;
  removed: number;
  /** Of all messages together. */
  bytes: number;
  /** The first 16 of each. */
  names: string[];
  removedNames: string[];
  /** What changed, at most 8; empty where a change of an object is not the reason. */
  why: ObjectChange[];
  /** Changes beyond those. */
  moreWhy?: number;
}

export interface HeldResource {
  name: string;
  /** Version that is current. */
  version?: string;
  /** Version the proxy holds, where it is behind and that is known. */
  held?: string;
  state: "acknowledged" | "sent" | "waiting" | "refused";
}

export interface TypeDetail {
  /** `CDS` */
  type: string;
  typeUrl: string;
  state: SyncState;
  /** Resources the proxy holds. */
  resources: number;
  sentNonce?: string;
  ackedNonce?: string;
  /** RFC 3339. */
  sentAt?: string;
  ackedAt?: string;
  error?: string;
  /** Objects, as `Kind/namespace/name`, that made the refused resources. */
  objects?: string[];
  /** Names that wait to be sent, that were sent without an answer yet, and that were refused. */
  waiting: number;
  sent: number;
  refused: number;
  /** Those of them, and where asked for by `?resources=true` all others; at most 5,000. */
  list: HeldResource[];
  lastPush?: PushSummary;
}

export interface ProxyDetail {
  connection: string;
  /** IP address of the connection's other end. */
  address: string;
  proxy: ProxyStatus;
  labels: Record<string, string>;
  details: TypeDetail[];
}
