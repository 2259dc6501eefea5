// Which object something came from, and which of two objects is older.
import type { Config } from "../config/object.ts";

export interface SourceRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function sourceRefOf(config: Config): SourceRef {
  return { kind: config.key.kind, namespace: config.key.namespace, name: config.key.name };
}

/**
 * When an object was made, to be compared as text. Objects of files do not say; they count as the newest, so that a file cannot
 * take over what another object has.
 */
export function ageOf(config: Config | undefined): string {
  return config?.meta.creationTimestamp ?? "~";
}

/** Oldest first, then by namespace and name: Istio's order where objects conflict. */
export function byAge(a: Config, b: Config): number {
  const ages = compare(ageOf(a), ageOf(b));
  if (ages !== 0) return ages;
  return compare(a.key.namespace, b.key.namespace) || compare(a.key.name, b.key.name);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
