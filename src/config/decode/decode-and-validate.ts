// Text → objects that may enter the mesh, and everything that is wrong with the others.
import { configCodes } from "../errors.ts";
import { formatObjectRef, type Problem } from "../problem.ts";
import { validateObject } from "../validate.ts";
import { type Decoded, type DecodeOptions, readObjects } from "./decode-yaml.ts";

export interface Validated {
  /** Objects without an error; they may have warnings. */
  objects: Decoded[];
  /** Objects that were read but have errors. */
  refused: Decoded[];
  /** Of the text and of all objects, each with its line. */
  problems: Problem[];
}

/** Decodes and validates; of two documents that define the same object the first stands and the second is refused. */
export function decodeAndValidate(text: string, options: DecodeOptions = {}): Validated {
  const { objects: read, problems } = readObjects(text, options);
  const objects: Decoded[] = [];
  const refused: Decoded[] = [];
  const seen = new Map<string, Decoded>();
  for (const decoded of read) {
    const { kind, object } = decoded;
    const ref = { kind: kind.kind, namespace: object.metadata.namespace, name: object.metadata.name };
    const found = validateObject(kind, object);
    const key = `${kind.group}/${formatObjectRef(ref)}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, decoded);
    else {
      found.push({
        severity: "error",
        code: configCodes.duplicateObject,
        message: `is defined at line ${first.origin.line} already`,
        object: ref,
        path: "metadata.name",
        remedy: "Remove one of the two.",
      });
    }
    for (const problem of found) {
      problems.add({ ...problem, ...place(decoded, problem) });
    }
    (found.some((problem) => problem.severity === "error") ? refused : objects).push(decoded);
  }
  return { objects, refused, problems: problems.list() };
}

function place(decoded: Decoded, problem: Problem): { file?: string; line: number } {
  const line = decoded.lineOf(problem.path ?? "") ?? decoded.origin.line;
  return decoded.origin.file === "" ? { line } : { file: decoded.origin.file, line };
}
