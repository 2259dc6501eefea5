// What the analysis looks at, and how it names what it finds.
import type { ApiObject, Origin } from "../object.ts";
import type { Problem } from "../problem.ts";

/** An object that fits its schema, with the place it was read from. `Decoded` is one. */
export interface AnalyzedObject<Spec = unknown> {
  readonly kind: { readonly kind: string; readonly group: string };
  readonly object: ApiObject<Spec>;
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

/** Reports on one field of one object. */
export type Report = (found: {
  on: AnalyzedObject;
  code: string;
  path: string;
  message: string;
  remedy: string;
  /** What is not there, as a noun, where that is all that is wrong. */
  missing?: string;
}) => void;

/** All are warnings: a reference may be filled a moment later, and another team may own what is missing. */
export function toProblem({ on, code, path, message, remedy }: Parameters<Report>[0]): Problem {
  const { metadata } = on.object;
  const line = on.lineOf?.(path) ?? on.origin?.line;
  const file = on.origin?.file;
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
