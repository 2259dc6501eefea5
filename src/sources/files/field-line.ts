// Where a field stands in a file as it is now. Lines of fields are not kept: few of them are ever asked for.
import { readFileSync, statSync } from "node:fs";
import { decodeYaml } from "../../config/decode/decode-yaml.ts";
import { splitDocuments } from "../../config/decode/split-documents.ts";
import type { Origin } from "../../config/object.ts";

/** Larger files are not read again for the sake of a line, bytes. */
const sizeLimit = 1 << 20;

/**
 * 1-based line of a field of the object at `origin`, or of its nearest parent in the text.
 *
 * @param path such as `spec.http[0].route`
 * @returns undefined where the file is gone, is large, or holds no such object there any more
 */
export function fieldLine(origin: Origin, path: string): number | undefined {
  const text = readSmall(origin.file);
  const document = splitDocuments(text).findLast(({ line }) => line <= origin.line);
  if (document === undefined) return undefined;
  const { objects } = decodeYaml(document.text, { firstLine: document.line });
  return objects.find((object) => object.origin.line === origin.line)?.lineOf(path);
}

function readSmall(path: string): string {
  try {
    return statSync(path).size > sizeLimit ? "" : readFileSync(path, "utf8");
  } catch {
    return ""; // removed or replaced meanwhile: its folder says so next
  }
}
