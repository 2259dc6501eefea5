// The objects of one kind among all objects.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import type { Config } from "../config/object.ts";

/** @param kind the kind's name; its group is known to be one that the API serves */
export function configsOfKind<Spec>(configs: Collection<Config>, kind: string): Collection<Config<Spec>> {
  return new Derived<Config, Config<Spec>>({
    name: `configs-of-${kind}`,
    from: configs,
    derive: (config, key) => (config.key.kind === kind ? [[key, config as Config<Spec>]] : []),
    equals: Object.is,
  });
}
