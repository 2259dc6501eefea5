// The blame of each case, worked out anew only where its words or its objects have become different.
import type { Config } from "../../config/object.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import { type Blame, blame } from "./blame.ts";
import { envoyWords } from "./envoy-words.ts";
import type { RefusedCase } from "./refused-case.ts";
import { rejectedValue } from "./rejected-value.ts";

interface Known {
  readonly message: string;
  readonly objects: readonly (Config | undefined)[];
  readonly blame: Blame;
}

export interface CaseBlamesOptions {
  readonly objectOf: (ref: ConfigRef) => Config | undefined;
  /** The objects that changed lately, those of the last change first. */
  readonly recent: () => readonly (readonly ConfigRef[])[];
}

export class CaseBlames {
  private readonly options: CaseBlamesOptions;
  private readonly known = new WeakMap<RefusedCase, Known>();

  constructor(options: CaseBlamesOptions) {
    this.options = options;
  }

  /** Where no field tells, those that changed last are blamed, as of the first time that it is asked. */
  of(refused: RefusedCase): Blame {
    const { content, subject, sources, message } = refused;
    const { objectOf, recent } = this.options;
    const objects = sources.map(objectOf);
    const before = this.known.get(refused);
    if (before?.message === message && objects.every((each, at) => each === before.objects[at])) return before.blame;
    const found = blame({
      ...{ sources, message: envoyWords(message), value: rejectedValue(content, subject, message) },
      names: [subject.name, ...(subject.fragment === undefined ? [] : [subject.fragment])],
      ...{ objectOf, recent },
    });
    this.known.set(refused, { message, objects, blame: found });
    return found;
  }
}
