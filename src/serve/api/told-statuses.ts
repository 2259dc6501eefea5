// What several parts of the control plane say of objects, as one status each.
import type { Collection } from "../../collection/collection.ts";
import { Derived } from "../../collection/derived.ts";
import { Join } from "../../collection/join.ts";

/** Fields of Istio's IstioStatus that are lists, to which each may add. */
export interface Told {
  readonly conditions?: readonly unknown[];
  readonly validationMessages?: readonly unknown[];
}

/** By `formatConfigKey`; the lists of all, in order. */
export function toldStatuses(first: Collection<Told>, ...others: Collection<Told>[]): Collection<Told> {
  const all = [first, ...others];
  return new Derived<Told, Told>({
    name: "told-statuses",
    from: new Join<Told>("told-objects", [first, ...others]),
    uses: all,
    derive: (_, key, read) => {
      const said = all.map((each) => read.get(each, key));
      const conditions = said.flatMap((each) => each?.conditions ?? []);
      const validationMessages = said.flatMap((each) => each?.validationMessages ?? []);
      return [
        [
          key,
          {
            ...(conditions.length === 0 ? {} : { conditions }),
            ...(validationMessages.length === 0 ? {} : { validationMessages }),
          },
        ],
      ];
    },
  });
}
