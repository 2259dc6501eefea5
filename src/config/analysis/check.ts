// A check, with what it reads: it is made again only where something of that changed.
import type { Report } from "./analyzed-object.ts";
import type { MeshIndex, PartName } from "./mesh-index.ts";
import type { ListName, ObjectLists } from "./object-lists.ts";
import type { AnalysisSettings } from "./settings.ts";

export interface Look {
  readonly settings: AnalysisSettings;
  readonly report: Report;
}

export interface Check<L extends ListName = ListName, P extends PartName = PartName> {
  /** Whose objects it reports on: on no other. */
  readonly of: L;
  /** Beside the objects it reports on. */
  readonly reads: readonly P[];
  /**
   * Yields after every few milliseconds of work.
   *
   * @param wanted the objects that somebody asks about
   */
  find(wanted: ObjectLists[L], index: Pick<MeshIndex, P>, look: Look): Iterable<void>;
}

/** Objects that are looked at before it yields: each is compared with few others. */
const objectsPerStep = 500;

/** Parts that are not in `reads` cannot be reached. */
export function defineCheck<L extends ListName, const P extends PartName>(check: Check<L, P>): Check {
  return check as unknown as Check;
}

/** A check that goes through the objects one by one. */
export function defineCheckOfEach<L extends ListName, const P extends PartName>(
  each: Pick<Check<L, P>, "of" | "reads"> & {
    find(on: ObjectLists[L][number], index: Pick<MeshIndex, P>, look: Look): void;
  },
): Check {
  return defineCheck({
    of: each.of,
    reads: each.reads,
    *find(wanted, index, look) {
      for (const [at, on] of wanted.entries()) {
        if (at % objectsPerStep === objectsPerStep - 1) yield;
        each.find(on, index, look);
      }
    },
  });
}
