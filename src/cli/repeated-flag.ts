// Flags that may be given several times.

/** Collects the values of a flag in order. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}
