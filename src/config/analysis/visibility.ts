// `exportTo`, as far as the analysis needs it: do two namespaces see the same object?

/** Namespaces that see an object; `undefined` stands for all. */
export type Visible = ReadonlySet<string> | undefined;

/** Absent and empty lists mean all namespaces, Istio's default. */
export function visibleIn(exportTo: readonly string[] | undefined, own: string): Visible {
  if (exportTo === undefined || exportTo.length === 0 || exportTo.includes("*")) return undefined;
  return new Set(exportTo.filter((word) => word !== "~").map((word) => (word === "." ? own : word)));
}

export function sees(visible: Visible, namespace: string): boolean {
  return visible === undefined || visible.has(namespace);
}

/** True where some namespace sees both. */
export function overlap(a: Visible, b: Visible): boolean {
  if (a === undefined) return b === undefined || b.size > 0;
  if (b === undefined) return a.size > 0;
  return [...a].some((namespace) => b.has(namespace));
}
