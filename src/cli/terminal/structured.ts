// Data as JSON or YAML, for programs and people; no character in it can steer a terminal.
import { Document, isScalar, Scalar, visit } from "yaml";
import { escapeUnsafe, holdsUnsafe } from "./printable.ts";

/** JSON with the indent of kubectl, four spaces. */
export function jsonText(value: unknown): string {
  return escapeUnsafe(JSON.stringify(value, null, 4) ?? "null");
}

/** YAML as kubectl prints it: keys sorted, lists not indented, no line folded. Readable as YAML 1.1 and 1.2. The last newline is left to the printer. */
export function yamlText(value: unknown): string {
  const document = new Document(value, {
    version: "1.1",
    compat: "yaml-1.1",
    sortMapEntries: true,
    aliasDuplicateObjects: false,
  });
  visit(document, (_key, node) => {
    if (isScalar(node) && typeof node.value === "string" && holdsUnsafe(node.value)) node.type = Scalar.QUOTE_DOUBLE;
  });
  return escapeUnsafe(document.toString({ indentSeq: false, lineWidth: 0 }).replace(/\n$/, ""));
}
