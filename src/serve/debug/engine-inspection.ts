// What the parts of the engine tell of themselves when somebody looks.
import type { CacheCounts } from "./ads-inspection.ts";

/** Resources of one type in one view. */
export type SizesByType = Readonly<Record<string, number>>;

export interface ScopeInspection {
  readonly key: string;
  /** What the proxies of the scope have in common. */
  readonly scope: unknown;
  /** `whole`: it holds all that its proxies see; `layer`: what is different for its namespace from a base that others share. */
  readonly kind: "whole" | "layer";
  readonly users: number;
  /** Names of some proxies that share it. */
  readonly proxies: readonly string[];
  readonly sizes: SizesByType;
}

export interface GeneratorInspection {
  readonly scopes: readonly ScopeInspection[];
  /** Views of single workloads. */
  readonly workloads: number;
  readonly clients: number;
  readonly interned: CacheCounts & {
    readonly kept: number;
    /** Bytes of those that are encoded; of what is put together only when it is sent, nothing is counted. */
    readonly bytes: number;
    readonly lazy: number;
  };
  /** Endpoints that are encoded once and used in several load assignments. */
  readonly endpoints: CacheCounts;
}

/** A waiting line: what is in it, and how much may be. */
export interface QueueInspection {
  /** Also the label of its metric. */
  readonly name: string;
  readonly help: string;
  readonly length: number;
  readonly limit: number;
}
