// A node as the graph sees it.
import type { Change } from "./collection.ts";

export interface GraphNode {
  readonly name: string;
  readonly height: number;
  readonly dependants: ReadonlySet<GraphNode>;
  /** Takes up changes of an input; they are worked on in `settle`. */
  receive(input: GraphNode, changes: readonly Change<unknown>[]): void;
  /** Brings the values up to date and returns what became different. */
  settle(): readonly Change<unknown>[];
  tell(changes: readonly Change<unknown>[]): void;
}
