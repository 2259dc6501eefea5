// What is wrong with an object, said so that its author can act.

export type Severity = "error" | "warning" | "info";

/** Names an object for a reader. */
export interface ObjectRef {
  kind: string;
  namespace: string;
  name: string;
}

export interface Problem {
  severity: Severity;
  /** `LAT1xxx`, or Istio's `IST0xxx` where the meaning is Istio's. */
  code: string;
  /** One sentence, without path and place. */
  message: string;
  object?: ObjectRef;
  /** Spelled like `spec.http[0].route[0].weight`; empty for the object as a whole. */
  path?: string;
  /** What the author should do. */
  remedy?: string;
  file?: string;
  /** 1-based line in `file`, or in the text that was sent. */
  line?: number;
}

/** `file:line: error LAT1003 VirtualService shop/reviews spec.http[0].timeout: message (remedy)` */
export function formatProblem(problem: Problem): string {
  const place =
    problem.file === undefined ? "" : `${problem.file}${problem.line === undefined ? "" : `:${problem.line}`}: `;
  const object = problem.object === undefined ? "" : ` ${formatObjectRef(problem.object)}`;
  const path = problem.path === undefined || problem.path === "" ? "" : ` ${problem.path}`;
  const remedy = problem.remedy === undefined ? "" : ` (${problem.remedy})`;
  return `${place}${problem.severity} ${problem.code}${object}${path}: ${problem.message}${remedy}`;
}

/** `VirtualService shop/reviews`; the namespace is left out for cluster-scoped objects. */
export function formatObjectRef(ref: ObjectRef): string {
  return `${ref.kind} ${ref.namespace === "" ? "" : `${ref.namespace}/`}${ref.name}`;
}
