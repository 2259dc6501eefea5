// What the bench and the process of its fake sidecars say to each other.
import type { JsonObject } from "@bufbuild/protobuf";
import type { RouteWay } from "./sidecar.ts";

export interface FleetNode {
  id: string;
  metadata: JsonObject;
  /** Client certificate and key, PEM. */
  cert?: string;
  key?: string;
}

export type FleetOrder =
  /** Adds sidecars and connects them. */
  | { do: "connect"; url: string; ca?: string; nodes: FleetNode[]; way: RouteWay }
  /** Counts what comes from now on, and tells when every sidecar was sent the resource. */
  | { do: "watch"; typeUrl: string; name: string }
  /** Drops every connection, or connects every sidecar that has none; the latter tells when all are complete. */
  | { do: "drop" }
  | { do: "reconnect"; url: string }
  /** Connects those again that the last such order dropped, and drops the next so many. */
  | { do: "turn"; url: string; count: number }
  | { do: "figures" };

export interface FleetFigures {
  /** Since the last order `watch`, `drop` or `connect`. */
  bytes: number;
  responses: number;
  resources: number;
  /** Sidecars whose streams are open. */
  connected: number;
  /** Sidecars that have connected (again) and were not sent everything yet. */
  incomplete: number;
  /** CPU of the process since its start, milliseconds. */
  cpuMs: number;
}

export type FleetWord =
  /** All sidecars are complete. Times are CLOCK_MONOTONIC, milliseconds. */
  | { tell: "complete"; atMs: number }
  | { tell: "watched"; firstMs: number; medianMs: number; lastMs: number }
  | { tell: "dropped"; atMs: number }
  | { tell: "turned" }
  | { tell: "figures"; figures: FleetFigures };

/** Linux's monotonic clock, the same in every process, milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
