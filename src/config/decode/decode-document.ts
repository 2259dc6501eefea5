// One document, YAML or JSON → values.
import { configCodes } from "../errors.ts";
import { decodeJsonText } from "./json-text.ts";
import { type DecodedText, textLines } from "./places.ts";
import { type TextFault, tooDeep } from "./text-fault.ts";
import { decodeYamlText } from "./yaml-text.ts";

/** A fault with its line in the file. */
export type LineFault = Omit<TextFault, "offset"> & { line: number };

/**
 * Decodes one document as `splitDocuments` cuts it; several values where JSON objects follow each other.
 *
 * @param line 1-based line at which the document starts in its file
 */
export function decodeDocument(text: string, line: number): DecodedText[] | { faults: LineFault[] } {
  const decoded = decodeEither(text, line);
  if (!("faults" in decoded)) return decoded;
  const lines = textLines(text, line);
  return { faults: decoded.faults.map(({ offset, ...fault }) => ({ ...fault, line: lines.lineOf(offset) })) };
}

function decodeEither(text: string, line: number): DecodedText[] | { faults: TextFault[] } {
  try {
    if (/^[ \t\r\n\uFEFF]*\{[ \t\r\n]*["}]/.test(text)) {
      const json = decodeJsonText(text, line);
      // A flow map with quoted keys is YAML too; where the text is neither, JSON's message is the better one.
      if (!("faults" in json) || json.faults.some((fault) => fault.code !== configCodes.syntax)) return json;
      const yaml = decodeYamlText(text, line);
      return "faults" in yaml ? json : [yaml];
    }
    const yaml = decodeYamlText(text, line);
    return "faults" in yaml ? yaml : [yaml];
  } catch (error) {
    if (error instanceof RangeError) return { faults: [tooDeep(0)] };
    throw error;
  }
}
