// Envoy warms a new or changed cluster or listener until what it needs is sent, be it unchanged (DESIGN: Envoy holds back
// its ACK for 15 s otherwise).
import type { Resource, ResourceName } from "../../xds/resource.ts";
import { Subscription } from "../../xds/subscription.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { TypeStream } from "./type-stream.ts";

/** What a client is owed of types that it does not ask for; what is beyond, it waits for as long as Envoy waits. */
const owedLimit = 20_000;
/** Names by which the list must have become shorter once each is kept once. */
const owedRoom = owedLimit / 4;
/** What lists from this length on need is remembered: at a first sync all streams get the same one. */
const longList = 4;

interface Needs {
  readonly names: readonly ResourceName[];
  readonly typeUrls: ReadonlySet<string>;
}

const known = new WeakMap<readonly Resource[], Needs>();

export class NeededResources {
  /**
   * Of types that are not asked for yet: what to send even where the client turns out to have it from an earlier stream. As it
   * came, list by list, and perhaps several times.
   */
  private owed: (readonly ResourceName[])[] = [];
  private owedCount = 0;
  private isFull = false;

  /**
   * Puts what the resources need among what is pending.
   *
   * @param sent the type whose resources they are: it awaits what the client has yet to ask for
   */
  demand(resources: readonly Resource[], sent: TypeStream, types: readonly TypeStream[]): void {
    const { names, typeUrls: needed } = needsOf(resources);
    const open = types.filter(({ typeUrl }) => needed.has(typeUrl));
    sent.awaited = open.length === 0 ? names : names.filter((name) => !demandOne(name, open));
    if (open.length === 0) this.owe(names);
    else if (open.length < needed.size) {
      this.owe(sent.awaited.filter(({ typeUrl }) => !open.some((type) => type.typeUrl === typeUrl)));
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
    for (const list of this.owed) {
      for (const need of list) if (need.typeUrl === typeUrl) subscription.demand(need.name);
    }
    this.keep(this.owed.map((list) => list.filter((need) => need.typeUrl !== typeUrl)));
    const isWarming = typeUrl === typeUrls.endpoint && !types.some((type) => type.typeUrl === typeUrls.cluster);
    if (isWarming && subscription instanceof Subscription) {
      for (const name of subscription.wantedNames) subscription.demand(name);
    }
  }

  private owe(names: readonly ResourceName[]): void {
    if (names.length === 0 || this.isFull) return;
    this.owed.push(names);
    this.owedCount += names.length;
    if (this.owedCount > owedLimit) this.compact();
  }

  /** Keeps each name once. Where that does not make room, there is none for anything else: it would be done again and again. */
  private compact(): void {
    const byKey = new Map(this.owed.flat().map((need) => [`${need.typeUrl} ${need.name}`, need]));
    this.keep([[...byKey.values()].slice(0, owedLimit)]);
    this.isFull = this.owedCount > owedLimit - owedRoom;
  }

  private keep(lists: (readonly ResourceName[])[]): void {
    this.owed = lists.filter((list) => list.length > 0);
    this.owedCount = this.owed.reduce((sum, list) => sum + list.length, 0);
    this.isFull = false;
  }
}

/** @returns true where the client has asked for it, and it is pending now */
function demandOne({ typeUrl, name }: ResourceName, open: readonly TypeStream[]): boolean {
  const type = open.find((one) => one.typeUrl === typeUrl);
  if (type?.subscription.wants(name) !== true) return false;
  if (type.subscription.settled) type.notes.cause = "dependent";
  type.subscription.demand(name);
  return true;
}

function needsOf(resources: readonly Resource[]): Needs {
  const before = known.get(resources);
  if (before !== undefined) return before;
  const names = resources.flatMap(({ needs }) => needs ?? []);
  const needs = { names, typeUrls: new Set(names.map(({ typeUrl }) => typeUrl)) };
  if (resources.length >= longList) known.set(resources, needs);
  return needs;
}
