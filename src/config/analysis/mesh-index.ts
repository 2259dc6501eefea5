// The objects by what others refer to, in parts: each is made again only where something that it is made of changed.
import type { AnalyzedObject } from "./analyzed-object.ts";
import { type HostClaim, indexHostClaims } from "./host-claims.ts";
import { indexRules, type KnownRules } from "./known-rules.ts";
import { indexServices, type KnownServices } from "./known-services.ts";
import { indexWorkloads, type Labels } from "./known-workloads.ts";
import type { ListName, ObjectLists } from "./object-lists.ts";
import type { AnalysisSettings } from "./settings.ts";

export interface MeshIndex extends ObjectLists {
  /** `namespace/name` of each. */
  readonly gatewayNames: ReadonlySet<string>;
  readonly virtualServiceNames: ReadonlySet<string>;
  /** By full host. */
  readonly hostClaims: ReadonlyMap<string, readonly HostClaim[]>;
  readonly rules: KnownRules;
  readonly services: KnownServices;
  /** Labels of every machine or entry, by namespace. */
  readonly workloads: ReadonlyMap<string, readonly Labels[]>;
}

export type PartName = keyof MeshIndex;
export type MadeName = Exclude<PartName, ListName>;

export interface Part<N extends MadeName = MadeName, P extends PartName = PartName> {
  readonly makes: N;
  readonly reads: readonly P[];
  /** @param former what it made of other lists, to take over what is the same */
  make(
    index: Pick<MeshIndex, P>,
    settings: AnalysisSettings,
    former: MeshIndex[N] | undefined,
  ): Generator<void, MeshIndex[N], void>;
}

function definePart<N extends MadeName, const P extends PartName>(part: Part<N, P>): Part {
  return part as unknown as Part;
}

const all = [
  definePart({
    makes: "gatewayNames",
    reads: ["gateways"],
    make: ({ gateways }) => indexNames(gateways),
  }),
  definePart({
    makes: "virtualServiceNames",
    reads: ["virtualServices"],
    make: ({ virtualServices }) => indexNames(virtualServices),
  }),
  definePart({
    makes: "hostClaims",
    reads: ["virtualServices"],
    make: ({ virtualServices }, settings) => indexHostClaims(virtualServices, settings),
  }),
  definePart({
    makes: "rules",
    reads: ["destinationRules"],
    make: ({ destinationRules }, settings) => indexRules(destinationRules, settings),
  }),
  definePart({
    makes: "workloads",
    reads: ["workloadEntries", "workloadGroups"],
    make: ({ workloadEntries, workloadGroups }) => indexWorkloads(workloadEntries, workloadGroups),
  }),
  definePart({
    makes: "services",
    reads: ["serviceEntries", "workloads"],
    make: ({ serviceEntries, workloads }, settings, former) =>
      indexServices(serviceEntries, workloads, settings, former),
  }),
];

const parts = new Map(all.map((part) => [part.makes, part]));

/** Undefined for lists, which are not made of anything. */
export function partOf(name: PartName): Part | undefined {
  return parts.get(name as MadeName);
}

/** Whether the part is that list, or is made of it. */
export function dependsOn(name: PartName, list: ListName): boolean {
  return name === list || (partOf(name)?.reads.some((read) => dependsOn(read, list)) ?? false);
}

/** Objects that are indexed before it yields. */
const objectsPerStep = 1_000;

function* indexNames(objects: readonly AnalyzedObject[]): Generator<void, Set<string>, void> {
  const names = new Set<string>();
  for (const [at, { object }] of objects.entries()) {
    if (at % objectsPerStep === objectsPerStep - 1) yield;
    names.add(`${object.metadata.namespace}/${object.metadata.name}`);
  }
  return names;
}
