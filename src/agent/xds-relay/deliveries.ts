// Responses of the control plane that Envoy has not decided about, on one stream to it, and what it has heard of refusals.
import { routeOfPart } from "../../xds/route-part-name.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { Refusal } from "./resource-cache.ts";
import type { UpstreamResponse } from "./upstream.ts";

interface Delivery {
  readonly nonce: string;
  /** Names nobody has decided about, with the version that was sent; undefined where the name was removed. */
  readonly names: Map<string, string | undefined>;
  readonly errors: string[];
}

/** Our control plane keeps one response of a type unanswered; others keep sending. The oldest is answered at this number. */
const openLimit = 64;
/** Most refusals of one type that are remembered as told; more may be told twice. */
const toldLimit = 10_000;

export class Deliveries {
  private readonly answer: (typeUrl: string, nonce: string, errors: readonly string[]) => void;
  private readonly open = new Map<string, Delivery[]>();
  /** Refused versions that the control plane knows of, by type and name. */
  private readonly told = new Map<string, Map<string, string>>();

  /** `answer` acknowledges a response, or rejects it where there are errors; it is called once for each. */
  constructor(answer: (typeUrl: string, nonce: string, errors: readonly string[]) => void) {
    this.answer = answer;
  }

  /** The stream is another one: nothing of the last one can be answered. */
  clear(): void {
    this.open.clear();
    this.told.clear();
  }

  add(response: UpstreamResponse): void {
    const { typeUrl, nonce, resources, removed } = response;
    const names = new Map<string, string | undefined>(removed.map((name) => [name, undefined]));
    for (const { name, version } of resources) names.set(name, version);
    // What is sent again is judged again. Parts of routes are judged, and refused, as the head that they belong to.
    const areParts = typeUrl === typeUrls.routePart;
    for (const name of names.keys()) this.told.get(typeUrl)?.delete(areParts ? routeOfPart(name) : name);
    const list = this.open.get(typeUrl) ?? [];
    this.open.set(typeUrl, list);
    list.push({ nonce, names, errors: [] });
    const oldest = list.length > openLimit ? list.shift() : undefined;
    if (oldest !== undefined) this.answer(typeUrl, oldest.nonce, oldest.errors);
  }

  /** The agent itself could not use the last response of the type. */
  fail(typeUrl: string, message: string): void {
    this.open.get(typeUrl)?.at(-1)?.errors.push(message);
  }

  /** Envoy refused a version. Returns false where no open response carries it and the control plane does not know of it. */
  refuse(typeUrl: string, refusal: Refusal): boolean {
    const { name, version, message } = refusal;
    const carriers = (this.open.get(typeUrl) ?? []).filter(({ names }) => names.get(name) === version);
    for (const { errors } of carriers) errors.push(`${name}: ${message}`);
    const told = this.told.get(typeUrl) ?? new Map<string, string>();
    this.told.set(typeUrl, told);
    const known = carriers.length > 0 || told.get(name) === version;
    if (told.size < toldLimit) told.set(name, version);
    return known;
  }

  /** Answers every response of which all is decided. */
  settle(awaits: (typeUrl: string, name: string) => boolean): void {
    const decided: { typeUrl: string; delivery: Delivery }[] = [];
    for (const [typeUrl, list] of this.open) {
      const open: Delivery[] = [];
      for (const delivery of list) {
        for (const name of delivery.names.keys()) if (!awaits(typeUrl, name)) delivery.names.delete(name);
        if (delivery.names.size > 0) open.push(delivery);
        else decided.push({ typeUrl, delivery });
      }
      if (open.length === 0) this.open.delete(typeUrl);
      else this.open.set(typeUrl, open);
    }
    for (const { typeUrl, delivery } of decided) this.answer(typeUrl, delivery.nonce, delivery.errors);
  }
}
