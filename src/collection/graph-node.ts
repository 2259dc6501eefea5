// A node as the graph sees it.
import type { Change } from "./collection.ts";

/** What a node has done since it was made; for people who look for what costs time. */
export interface NodeWork {
  /** Times it was brought up to date. */
  runs: number;
  /** Inputs that were worked on anew. */
  recomputed: number;
  /** Values that became different. */
  changed: number;
  spentMs: number;
}

export interface GraphNode {
  readonly name: string;
  readonly height: number;
  readonly size: number;
  readonly work: NodeWork;
  readonly dependants: ReadonlySet<GraphNode>;
  /** Takes up changes of an input; they are worked on in `settle`. */
  receive(input: GraphNode, changes: readonly Change<unknown>[]): void;
  /** Brings the values up to date and returns what became different. */
  settle(): readonly Change<unknown>[];
  tell(changes: readonly Change<unknown>[]): void;
}
