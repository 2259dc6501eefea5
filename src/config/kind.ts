// One API kind: its names, versions, schema and the checks that look at a whole object.
import type { ApiObject } from "./object.ts";
import type { Problem } from "./problem.ts";
import type { TSchema } from "./schema.ts";

export interface PrinterColumn {
  name: string;
  type: "string" | "integer" | "date" | "boolean";
  /** Path from the object, `.spec.hosts` or `.metadata.creationTimestamp`. */
  jsonPath: string;
  description?: string;
}

/** What a kind's own `check` found; `place` turns it into a full Problem. */
export type Finding = Pick<Problem, "severity" | "code" | "message" | "remedy"> & { path: string };

export interface Kind<Spec = unknown> {
  readonly kind: string;
  /** Empty for Kubernetes' core group. */
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Served versions, the storage version first. All share one schema, as Istio's do. */
  readonly versions: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  readonly description: string;
  readonly schema: TSchema;
  /** Where the schema applies: most kinds have a `spec`, Secret and ConfigMap are flat. */
  readonly root: "spec" | "object";
  readonly columns: readonly PrinterColumn[];
  /** Checks across fields of one object that fits the schema. */
  check?(object: ApiObject<Spec>): Finding[];
}

/** Lets a kind's folder state its spec type once: `defineKind<VirtualService>({...})`. */
export function defineKind<Spec>(kind: Kind<Spec>): Kind<Spec> {
  return kind;
}

/** `networking.istio.io/v1`, or `v1` for the core group. */
export function apiVersionOf(kind: Kind, version: string = kind.versions[0] ?? ""): string {
  return kind.group === "" ? version : `${kind.group}/${version}`;
}
