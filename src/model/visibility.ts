// exportTo: the namespaces an object is visible in.
import type { Caller } from "./caller.ts";

export type Visibility =
  | { readonly everywhere: true }
  | { readonly everywhere: false; readonly namespaces: readonly string[] };

/**
 * @param exportTo `*` all, `.` the object's own namespace, `~` nobody, else namespaces
 * @param fallback MeshConfig's default where the object says nothing
 */
export function visibilityOf(
  exportTo: readonly string[] | undefined,
  own: string,
  fallback: readonly string[],
): Visibility {
  const words = exportTo === undefined || exportTo.length === 0 ? fallback : exportTo;
  if (words.includes("*")) return { everywhere: true };
  const namespaces = words.filter((word) => word !== "~").map((word) => (word === "." ? own : word));
  return { everywhere: false, namespaces: [...new Set(namespaces)].sort() };
}

export function isVisible(visibility: Visibility, caller: Pick<Caller, "is">): boolean {
  return visibility.everywhere || visibility.namespaces.some((namespace) => caller.is(namespace));
}
