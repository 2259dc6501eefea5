// Envoy warms a new or changed cluster or listener until what it needs is sent, be it unchanged (DESIGN: Envoy holds back
// its ACK for 15 s otherwise).
import type { Resource } from "../../xds/resource.ts";
import type { TypeStream } from "./type-stream.ts";

export class NeededResources {
  /** By type not asked for yet: names to send even where the client turns out to have them from an earlier stream. */
  private readonly owed = new Map<string, Set<string>>();

  /**
   * Puts what the resources need among what is pending.
   *
   * @param sent the type whose resources they are: it awaits what the client has yet to ask for
   */
  demand(resources: readonly Resource[], sent: TypeStream, types: readonly TypeStream[]): void {
    sent.awaited.clear();
    for (const resource of resources) {
      for (const { typeUrl, name } of resource.needs ?? []) {
        const type = types.find((known) => known.typeUrl === typeUrl);
        if (type === undefined) addTo(this.owed, typeUrl, name);
        else if (type.subscription.wants(name)) {
          if (type.subscription.settled) type.notes.cause = "dependent";
          type.subscription.demand(name);
          continue;
        }
        addTo(sent.awaited, typeUrl, name);
      }
    }
  }

  /** The client has sent a request of the type. */
  asked({ typeUrl, subscription }: TypeStream, types: readonly TypeStream[]): void {
    for (const { awaited } of types) {
      const names = awaited.get(typeUrl);
      if (names === undefined) continue;
      for (const name of names) if (subscription.wants(name)) names.delete(name);
      if (names.size === 0) awaited.delete(typeUrl);
    }
  }

  /** The client has asked for the type: what it was owed is pending now. */
  opened(type: TypeStream): void {
    for (const name of this.owed.get(type.typeUrl) ?? []) type.subscription.demand(name);
    this.owed.delete(type.typeUrl);
  }
}

function addTo(names: Map<string, Set<string>>, typeUrl: string, name: string): void {
  const known = names.get(typeUrl);
  if (known === undefined) names.set(typeUrl, new Set([name]));
  else known.add(name);
}
