// Finds by labels what a selector chooses, without looking at everything in the namespace.
//
// Whatever a selector chooses carries each of its pairs, so one pair is enough to find candidates: the one that sorts first.

/** Keys under which a workload with the labels is found. */
export function labelKeys(namespace: string, labels: Readonly<Record<string, string>>): string[] {
  return [namespace, ...Object.entries(labels).map(([key, value]) => pairKey(namespace, key, value))];
}

/** The key under which all that the selector chooses is found, among others. */
export function selectorKey(namespace: string, selector: Readonly<Record<string, string>>): string {
  const [key] = Object.keys(selector).sort();
  return key === undefined ? namespace : pairKey(namespace, key, selector[key] ?? "");
}

function pairKey(namespace: string, key: string, value: string): string {
  return `${namespace}/${key}=${value}`;
}
