// What proxies of one Envoy version get of a scope or workload: what the objects make, but for what these proxies rejected.
import type { Collection } from "../collection/collection.ts";
import { Overlay } from "../collection/overlay.ts";
import type { Resource } from "../xds/resource.ts";
import type { SetAside } from "../xds/set-aside.ts";
import type { ServedSet, Substitution } from "../xds/substitution.ts";
import { sameResource } from "./resource-of.ts";
import { namesConcerned, substitute, substitutionsOf } from "./substitute.ts";

/** Where rejected content is judged. */
export interface Quarantine {
  /** By `substitutionKey`. */
  readonly substitutions: Collection<Substitution>;
  /** Tells of a set that proxies are served from; returns what tells of its end. */
  watch(set: ServedSet): () => void;
}

/** Resources by type URL; the collections of one type do not share names. */
export type ResourceSets = ReadonlyMap<string, readonly Collection<Resource>[]>;

export class ServedHalf {
  readonly sets: ResourceSets;
  private readonly ends: (() => void)[] = [];

  /** @param key of the scope or workload */
  constructor(made: ResourceSets, about: { key: string; envoyVersion: string; quarantine: Quarantine }) {
    this.sets = new Map(
      [...made].map(([typeUrl, parts]) => [typeUrl, parts.map((part) => this.serve(typeUrl, part, about))]),
    );
  }

  dispose(): void {
    for (const end of this.ends) end();
    this.ends.length = 0;
  }

  private serve(
    typeUrl: string,
    made: Collection<Resource>,
    about: { key: string; envoyVersion: string; quarantine: Quarantine },
  ): ServedResources {
    const { envoyVersion, quarantine } = about;
    // One for all types: routes travel in two ways, and both must find the same in their place.
    const key = `${envoyVersion} ${about.key}`;
    const served = new ServedResources(made, { key, typeUrl, envoyVersion, by: quarantine.substitutions });
    const end = quarantine.watch({ key, typeUrl, envoyVersion, made, served });
    this.ends.push(() => {
      end();
      served.dispose();
    });
    return served;
  }
}

export class ServedResources extends Overlay<Resource, Substitution> {
  private readonly explain: (name: string) => Substitution[];

  constructor(
    made: Collection<Resource>,
    about: { key: string; typeUrl: string; envoyVersion: string; by: Collection<Substitution> },
  ) {
    const { by, typeUrl } = about;
    const find = (key: string): Substitution | undefined => by.get(key);
    super({
      name: `served-${made.name}`,
      from: made,
      by,
      keysOf: (each) => namesConcerned(each, about, typeUrl),
      derive: (resource) => substitute(resource, about, find),
      equals: sameResource,
    });
    this.explain = (name) => {
      const resource = made.get(name);
      return resource === undefined ? [] : substitutionsOf(resource, about, find);
    };
  }

  /** What is kept from proxies now. */
  *setAside(): Iterable<SetAside> {
    for (const name of this.differences()) {
      for (const { message, sources } of this.explain(name)) yield { name, message, sources };
    }
  }
}
