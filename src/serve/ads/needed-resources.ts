// Envoy warms a new or changed cluster or listener until what it needs is sent, be it unchanged (DESIGN: Envoy holds back
// its ACK for 15 s otherwise).
import type { Resource, ResourceName } from "../../xds/resource.ts";
import type { TypeStream } from "./type-stream.ts";

export class NeededResources {
  /** Of types not asked for yet: what to send even where the client turns out to have it from an earlier stream. */
  private owed: ResourceName[] = [];

  /**
   * Puts what the resources need among what is pending.
   *
   * @param sent the type whose resources they are: it awaits what the client has yet to ask for
   */
  demand(resources: readonly Resource[], sent: TypeStream, types: readonly TypeStream[]): void {
    const awaited: ResourceName[] = [];
    for (const { needs } of resources) {
      if (needs === undefined) continue;
      for (const need of needs) {
        const type = types.find((known) => known.typeUrl === need.typeUrl);
        if (type?.subscription.wants(need.name) !== true) awaited.push(need);
        else {
          if (type.subscription.settled) type.notes.cause = "dependent";
          type.subscription.demand(need.name);
        }
      }
    }
    sent.awaited = awaited;
    const unopened = awaited.filter((need) => !types.some((known) => known.typeUrl === need.typeUrl));
    if (unopened.length > 0) this.owed = this.owed.length === 0 ? unopened : [...this.owed, ...unopened];
  }

  /** The client has sent a request of the type. */
  asked({ typeUrl, subscription }: TypeStream, types: readonly TypeStream[]): void {
    for (const type of types) {
      if (type.awaited.length === 0) continue;
      type.awaited = type.awaited.filter((need) => need.typeUrl !== typeUrl || !subscription.wants(need.name));
    }
  }

  /** The client has asked for the type: what it was owed is pending now. */
  opened({ typeUrl, subscription }: TypeStream): void {
    if (this.owed.length === 0) return;
    for (const need of this.owed) if (need.typeUrl === typeUrl) subscription.demand(need.name);
    this.owed = this.owed.filter((need) => need.typeUrl !== typeUrl);
  }
}
