// One served set under watch: what each of its resources was before, as far as that was accepted.
import type { ResourceChange } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import type { ServedSet } from "../../xds/substitution.ts";

export class WatchedSet {
  readonly set: ServedSet;
  /**
   * The accepted resource that one which is not accepted yet stands for. One entry per resource that changes, however often
   * it does: content that nobody serves any more takes its entry along.
   */
  private readonly lineage = new WeakMap<Resource, Resource>();
  private readonly isAccepted: (resource: Resource) => boolean;

  constructor(set: ServedSet, isAccepted: (resource: Resource) => boolean) {
    this.set = set;
    this.isAccepted = isAccepted;
  }

  /** Served resources became different. */
  changed(changes: readonly ResourceChange[]): void {
    for (const { before, after } of changes) {
      if (before === undefined) continue;
      const accepted = this.isAccepted(before) ? before : this.lineage.get(before);
      // It may hold on to what it replaced, as long as something else holds on to it.
      this.lineage.delete(before);
      if (after !== undefined && accepted !== undefined && accepted !== after) this.lineage.set(after, accepted);
    }
  }

  /** What is served under the name where it is accepted, else what was accepted before it. */
  lastAccepted(name: string): Resource | undefined {
    const served = this.set.served.get(name);
    if (served === undefined) return undefined;
    return this.isAccepted(served) ? served : this.lineage.get(served);
  }
}
