// `exportTo`: the namespaces that may see an object.
import { configCodes } from "./errors.ts";
import { formatPath, type PathSegment } from "./field-path.ts";
import type { Finding } from "./kind.ts";
import { isNamespaceName } from "./metadata.ts";
import { list, string } from "./schema.ts";

/** The field as ServiceEntry, VirtualService and DestinationRule have it. */
export function exportToList(what: string) {
  return list(string(), {
    description: `Namespaces that see the ${what}: names, "." for its own, "*" for all. By default what the mesh configuration says, which is all.`,
  });
}

/**
 * Checks the values of an `exportTo`.
 *
 * @param options.mayHide a ServiceEntry may be exported to nobody (`~`)
 * @param options.at path of the list, by default `spec.exportTo`
 */
export function checkExportTo(
  exportTo: readonly string[] | undefined,
  options: { mayHide: boolean; at?: readonly PathSegment[] },
): Finding[] {
  const findings: Finding[] = [];
  const at = options.at ?? ["spec", "exportTo"];
  const report = (index: number, message: string, remedy: string): void => {
    const path = formatPath([...at, index]);
    findings.push({ severity: "error", code: configCodes.ruleBroken, message, remedy, path });
  };
  const seen = new Set<string>();
  const alone = exportTo?.length === 1;
  for (const [index, word] of (exportTo ?? []).entries()) {
    if (typeof word !== "string") continue; // the schema says so
    if (seen.has(word)) report(index, "is listed twice", "Remove one of the two.");
    seen.add(word);
    if (word === "*") {
      if (!alone) report(index, '"*" cannot stand beside other values', 'Write only "*", or leave it out.');
    } else if (word === "~") {
      if (!options.mayHide) report(index, '"~" is for ServiceEntry only', 'Use "." to keep it to its namespace.');
      else if (!alone) report(index, '"~" cannot stand beside other values', 'Write only "~", or leave it out.');
    } else if (word !== "." && !isNamespaceName(word)) {
      report(index, 'must be a namespace, "." or "*"', "Correct the namespace.");
    }
  }
  return findings;
}
