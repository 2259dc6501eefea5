// Envoy warms a new or changed cluster or listener until what it needs is sent, be it unchanged (DESIGN: Envoy holds back
// its ACK for 15 s otherwise).
import type { Resource } from "../../xds/resource.ts";
import type { TypeStream } from "./type-stream.ts";

export class NeededResources {
  /** By type not asked for yet: names to send even where the client turns out to have them from an earlier stream. */
  private readonly owed = new Map<string, Set<string>>();

  /** Puts what the resources need among what is pending. */
  demand(resources: readonly Resource[], types: readonly TypeStream[]): void {
    for (const resource of resources) {
      for (const { typeUrl, name } of resource.needs ?? []) {
        const type = types.find((known) => known.typeUrl === typeUrl);
        if (type !== undefined) {
          if (type.subscription.settled) type.notes.cause = "dependent";
          type.subscription.demand(name);
        } else this.owe(typeUrl, name);
      }
    }
  }

  /** The client has asked for the type: what it was owed is pending now. */
  opened(type: TypeStream): void {
    for (const name of this.owed.get(type.typeUrl) ?? []) type.subscription.demand(name);
    this.owed.delete(type.typeUrl);
  }

  private owe(typeUrl: string, name: string): void {
    const names = this.owed.get(typeUrl);
    if (names === undefined) this.owed.set(typeUrl, new Set([name]));
    else names.add(name);
  }
}
