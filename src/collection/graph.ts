// Delivers changes through collections in dependency order, each batch once, without glitches.
//
// Every node has a height above all its inputs. A flush runs dirty nodes by height, so a node runs once per batch and sees
// only settled inputs; listeners hear of it after the last node is done.
import type { Change } from "./collection.ts";
import type { GraphNode } from "./graph-node.ts";

/** What failed while a value was derived; the outputs of before stay. */
export interface DerivationFailure {
  collection: string;
  key: string;
  error: unknown;
  /** What the derivation was given and had read until it threw. */
  inputs?: () => Iterable<unknown>;
  /** Derives once more what threw; not of a listener's or a comparison's failure. */
  retry?: () => void;
}

/** One delivery: how long it took, and which node took longest. */
export interface Flush {
  readonly tookMs: number;
  readonly slowest: string;
  readonly slowestMs: number;
}

export interface GraphWatch {
  /** Milliseconds that never jump. */
  readonly monotonic: () => number;
  /** Told of each delivery; it must not throw. */
  readonly onFlush: (flush: Flush) => void;
}

export class Graph {
  private readonly onFailure: (failure: DerivationFailure) => void;
  private readonly watch: GraphWatch;
  private readonly dirty: Set<GraphNode>[] = [];
  private depth = 0;
  private flushing = false;

  /** @param onFailure told of each derivation that threw; it must not throw */
  constructor(onFailure: (failure: DerivationFailure) => void = () => {}, watch: GraphWatch = unwatched) {
    this.onFailure = onFailure;
    this.watch = watch;
  }

  /** Collects every change made by `fn` into one delivery. Batches nest; the outermost delivers. */
  batch<R>(fn: () => R): R {
    this.depth += 1;
    try {
      return fn();
    } finally {
      this.depth -= 1;
      if (this.depth === 0) this.flush();
    }
  }

  /** Called by nodes; a node with new input is run in the current or the next flush. */
  markDirty(node: GraphNode): void {
    let level = this.dirty[node.height];
    if (level === undefined) {
      level = new Set();
      this.dirty[node.height] = level;
    }
    level.add(node);
    if (this.depth === 0 && !this.flushing) this.flush();
  }

  forget(node: GraphNode): void {
    this.dirty[node.height]?.delete(node);
  }

  fail(failure: DerivationFailure): void {
    this.onFailure(failure);
  }

  private flush(): void {
    if (this.flushing) return; // changes made by listeners are taken up by the loop below
    this.flushing = true;
    const startMs = this.watch.monotonic();
    let slowest = "listeners";
    let slowestMs = 0;
    try {
      for (;;) {
        const told: { node: GraphNode; changes: readonly Change<unknown>[] }[] = [];
        for (let height = 0; height < this.dirty.length; height++) {
          const level = this.dirty[height];
          if (level === undefined || level.size === 0) continue;
          this.dirty[height] = new Set();
          for (const node of level) {
            const beforeMs = this.watch.monotonic();
            const changes = node.settle();
            const spentMs = this.watch.monotonic() - beforeMs;
            node.work.spentMs += spentMs;
            if (spentMs > slowestMs) [slowest, slowestMs] = [node.name, spentMs];
            if (changes.length === 0) continue;
            for (const dependant of node.dependants) {
              dependant.receive(node, changes);
              this.markDirty(dependant);
            }
            told.push({ node, changes });
          }
        }
        if (told.length === 0) return;
        for (const { node, changes } of told) node.tell(changes);
      }
    } finally {
      this.flushing = false;
      this.watch.onFlush({ tookMs: this.watch.monotonic() - startMs, slowest, slowestMs });
    }
  }
}

const unwatched: GraphWatch = { monotonic: () => 0, onFlush: () => {} };
