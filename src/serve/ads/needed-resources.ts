// Envoy warms a new or changed cluster or listener until what it needs is sent, be it unchanged (DESIGN: Envoy holds back
// its ACK for 15 s otherwise).
import { SetMap } from "../../kernel/set-map.ts";
import type { Resource, ResourceName } from "../../xds/resource.ts";
import { Subscription } from "../../xds/subscription.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { TypeStream } from "./type-stream.ts";

/** What a client is owed of types that it does not ask for; what is beyond, it waits for as long as Envoy waits. */
const owedLimit = 20_000;

export class NeededResources {
  /** Names by type that is not asked for yet: what to send even where the client turns out to have it from an earlier stream. */
  private readonly owed = new SetMap<string, string>();

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
    for (const { typeUrl, name } of awaited) {
      const isOpen = types.some((known) => known.typeUrl === typeUrl);
      if (!isOpen && this.owed.get(typeUrl).size < owedLimit) this.owed.add(typeUrl, name);
    }
  }

  /** The client has sent a request of the type. */
  asked({ typeUrl, subscription }: TypeStream, types: readonly TypeStream[]): void {
    for (const type of types) {
      if (type.awaited.length === 0) continue;
      type.awaited = type.awaited.filter((need) => need.typeUrl !== typeUrl || !subscription.wants(need.name));
    }
  }

  /**
   * The client has asked for the type: what it was owed is pending now. An Envoy that asks for load assignments before clusters
   * has clusters that warm since an earlier stream: it asks for no clusters until it has been sent those, be they unchanged.
   */
  opened({ typeUrl, subscription }: TypeStream, types: readonly TypeStream[]): void {
    const names = [...this.owed.get(typeUrl)];
    for (const name of names) {
      subscription.demand(name);
      this.owed.delete(typeUrl, name);
    }
    const isWarming = typeUrl === typeUrls.endpoint && !types.some((known) => known.typeUrl === typeUrls.cluster);
    if (isWarming && subscription instanceof Subscription) {
      for (const name of subscription.wantedNames) subscription.demand(name);
    }
  }
}
