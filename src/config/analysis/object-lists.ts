// The objects by kind, each with what checks may read of its spec.
import type { AuthorizationPolicy } from "../authorization-policy/authorization-policy.ts";
import type { DestinationRule } from "../destination-rule/destination-rule.ts";
import type { PeerAuthentication } from "../peer-authentication/peer-authentication.ts";
import type { ServiceEntry } from "../service-entry/service-entry.ts";
import type { VirtualService } from "../virtual-service/virtual-service.ts";
import type { WorkloadEntry } from "../workload-entry/workload-entry.ts";
import type { WorkloadGroup } from "../workload-group/workload-group.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";

/** Addresses, weights and localities come and go without a word from any check. */
export type AnalyzedEndpoint = Pick<WorkloadEntry, "labels" | "ports">;

export type AnalyzedService = Omit<ServiceEntry, "endpoints"> & { endpoints?: AnalyzedEndpoint[] };

/** A policy for chosen workloads. */
interface Selecting {
  selector?: { matchLabels?: Record<string, string> };
}

export interface AnalyzedSpecs {
  virtualServices: VirtualService;
  destinationRules: DestinationRule;
  serviceEntries: AnalyzedService;
  workloadEntries: AnalyzedEndpoint;
  workloadGroups: WorkloadGroup;
  gateways: unknown;
  peerAuthentications: PeerAuthentication;
  authorizationPolicies: AuthorizationPolicy;
  requestAuthentications: Selecting;
  telemetries: Selecting;
}

export type ListName = keyof AnalyzedSpecs;

/** Objects of each kind, in their order among all. */
export type ObjectLists = { readonly [L in ListName]: readonly AnalyzedObject<AnalyzedSpecs[L]>[] };

const places: Readonly<Record<ListName, readonly [kind: string, group: string]>> = {
  virtualServices: ["VirtualService", "networking.istio.io"],
  destinationRules: ["DestinationRule", "networking.istio.io"],
  serviceEntries: ["ServiceEntry", "networking.istio.io"],
  workloadEntries: ["WorkloadEntry", "networking.istio.io"],
  workloadGroups: ["WorkloadGroup", "networking.istio.io"],
  gateways: ["Gateway", "networking.istio.io"],
  peerAuthentications: ["PeerAuthentication", "security.istio.io"],
  authorizationPolicies: ["AuthorizationPolicy", "security.istio.io"],
  requestAuthentications: ["RequestAuthentication", "security.istio.io"],
  telemetries: ["Telemetry", "telemetry.istio.io"],
};
export const listNames = Object.keys(places) as ListName[];
const byKind = new Map(listNames.map((name) => [places[name][0], name]));

export const noObjects = Object.fromEntries(listNames.map((name) => [name, []])) as unknown as ObjectLists;

/** Undefined for objects that no check looks at. */
export function listOf({ kind, group }: AnalyzedObject["kind"]): ListName | undefined {
  const name = byKind.get(kind);
  return name !== undefined && places[name][1] === group ? name : undefined;
}

/** Objects that are put into lists before it yields. */
const objectsPerStep = 4_000;

/** @param former lists that are given again where they hold the same, so that what was made of one is found by it */
export function* listObjects(
  objects: Iterable<AnalyzedObject>,
  former: ObjectLists,
): Generator<void, ObjectLists, void> {
  const lists = Object.fromEntries(listNames.map((name) => [name, []])) as unknown as Record<
    ListName,
    AnalyzedObject[]
  >;
  let count = 0;
  for (const each of objects) {
    const name = listOf(each.kind);
    if (name !== undefined) lists[name].push(each);
    count += 1;
    if (count % objectsPerStep === 0) yield;
  }
  const kept = listNames.map((name) => [name, isSame(former[name], lists[name]) ? former[name] : lists[name]]);
  return Object.fromEntries(kept) as unknown as ObjectLists;
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}
