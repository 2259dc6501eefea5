// What the analysis looks at, and how it names what it finds.
import type { ObjectMeta, Origin } from "../object.ts";
import type { Problem } from "../problem.ts";

/** An object that fits its schema, with the place it was read from. `Decoded` is one. */
export interface AnalyzedObject<Spec = unknown> {
  readonly kind: { readonly kind: string; readonly group: string };
  readonly object: {
    readonly metadata: Readonly<Pick<ObjectMeta, "name" | "namespace" | "labels">>;
    readonly spec?: Spec;
  };
  /** `formatConfigKey`, of an object of the mesh. */
  readonly key?: string;
  readonly origin?: Origin;
  /** 1-based line of a field, or of its nearest parent in the text. */
  lineOf?(path: string): number | undefined;
}

/** Istio's codes for what only several objects together show. */
export const analysisCodes = {
  referenceNotFound: "IST0101",
  conflictingHosts: "IST0109",
  portRequired: "IST0112",
  noWorkloads: "IST0127",
  subsetWithoutEndpoints: "IST0173",
  unknownHost: "IST0174",
  conflictingProtocol: "IST0177",
} as const;

/** What is wrong with one field of one object. */
export interface Finding {
  readonly on: AnalyzedObject;
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
  /** What is not there, as a noun, where that is all that is wrong. */
  readonly missing?: string;
}

export type Report = (found: Finding) => void;

/**
 * All are warnings: a reference may be filled a moment later, and another team may own what is missing.
 *
 * @param origin where the object is now
 */
export function toProblem({ on, code, path, message, remedy }: Finding, origin = on.origin): Problem {
  const { metadata } = on.object;
  const line = on.lineOf?.(path) ?? origin?.line;
  const file = origin?.file;
  return {
    severity: "warning",
    code,
    message,
    object: { kind: on.kind.kind, namespace: metadata.namespace, name: metadata.name },
    path,
    remedy,
    ...(file === undefined || file === "" ? {} : { file }),
    ...(line === undefined ? {} : { line }),
  };
}

/** `shop/reviews` */
export function nameOf(on: AnalyzedObject): string {
  const { namespace, name } = on.object.metadata;
  return namespace === "" ? name : `${namespace}/${name}`;
}
