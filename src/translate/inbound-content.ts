// What a workload's own resources are made of, as a value: workloads with equal contents share them.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import type { InboundView } from "../model/inbound-view.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "../model/mesh-settings.ts";

export interface InboundContent {
  /** Equal for equal content. */
  readonly key: string;
  readonly view: InboundView;
  readonly mesh: MeshSettings;
}

/** By workload key, as `inbound` is. */
export function deriveInboundContents(
  inbound: Collection<InboundView>,
  settings: Collection<MeshSettings>,
): Collection<InboundContent> {
  const identities = new Identities();
  return new Derived<InboundView, InboundContent>({
    name: "inbound-contents",
    from: inbound,
    uses: [settings],
    equals: (a, b) => a.key === b.key,
    derive: (view, workload, read) => {
      const mesh = read.get(settings, meshSettingsKey) ?? defaultMeshSettings;
      const { authorization, ...rest } = view;
      // Policies may be long; they are objects that never change, so who they are says what they hold.
      const policies = [authorization.deny, authorization.allow].map((list) => list.map((each) => identities.of(each)));
      return [[workload, { key: JSON.stringify([rest, policies, identities.of(mesh)]), view, mesh }]];
    },
  });
}

/** A number for each object. */
class Identities {
  private readonly known = new WeakMap<object, number>();
  private last = 0;

  of(object: object): number {
    let identity = this.known.get(object);
    if (identity === undefined) {
      this.last += 1;
      identity = this.last;
      this.known.set(object, identity);
    }
    return identity;
  }
}
