// Text of a file or a request → objects with the lines they came from.

import { isFields } from "../../kernel/fields.ts";
import { configCodes } from "../errors.ts";
import { type PathSegment, parsePath } from "../field-path.ts";
import type { Kind } from "../kind.ts";
import type { ApiObject, Origin } from "../object.ts";
import type { Problem } from "../problem.ts";
import { decodeDocument } from "./decode-document.ts";
import { readEnvelope } from "./envelope.ts";
import type { DecodedText } from "./places.ts";
import { type ProblemList, problemList } from "./problem-list.ts";
import { splitDocuments } from "./split-documents.ts";

/** Largest text that is decoded, in characters. A mesh of 1,000 services is about 1.5 million. */
export const textLimit = 10 << 20;
/** Objects of one text: documents, and items of lists. */
export const objectLimit = 10_000;

export interface Decoded {
  kind: Kind;
  object: ApiObject;
  origin: Origin;
  /** 1-based line in the text of the field at a path such as `spec.http[0].route`, or of its nearest parent in the text. */
  lineOf(path: string): number | undefined;
}

export interface DecodeOptions {
  /** Name of the file, for problems and origins; empty for a text that came by request. */
  file?: string;
  /** Where namespaced objects without a namespace go; by default `default`. */
  defaultNamespace?: string;
  /** 1-based line at which the text starts in its file, for a slice made by `splitDocuments`. */
  firstLine?: number;
}

/**
 * Decodes YAML or JSON: any number of documents, lists flattened. A document that cannot be read is reported and does
 * not keep the others from being read.
 *
 * Differences from plain YAML, all as kubectl and the API server have them: a map entry whose value is null is taken as
 * absent; `yes`, `no`, `on` and `off` without quotes are booleans; keys are text; merge keys work; the same key twice,
 * tags beyond YAML's core and `__proto__` are refused. Never throws.
 */
export function decodeYaml(text: string, options: DecodeOptions = {}): { objects: Decoded[]; problems: Problem[] } {
  const { objects, problems } = readObjects(text, options);
  return { objects, problems: problems.list() };
}

/** As `decodeYaml`, for a caller that has more problems to add. */
export function readObjects(text: string, options: DecodeOptions): { objects: Decoded[]; problems: ProblemList } {
  const reading = new Reading(options);
  if (text.length > textLimit) {
    reading.report(1, { code: configCodes.tooLarge, message: `the text is longer than ${textLimit} characters` });
  } else {
    for (const document of splitDocuments(text)) {
      if (reading.full) break;
      reading.readDocument(document.text, document.line + (options.firstLine ?? 1) - 1);
    }
  }
  return { objects: reading.objects, problems: reading.problems };
}

class Reading {
  readonly objects: Decoded[] = [];
  readonly problems: ProblemList;
  full = false;
  private read = 0;
  private readonly file: string;
  private readonly defaultNamespace: string;

  constructor(options: DecodeOptions) {
    this.problems = problemList(options.file);
    this.file = options.file ?? "";
    this.defaultNamespace = options.defaultNamespace ?? "default";
  }

  readDocument(text: string, line: number): void {
    const decoded = decodeDocument(text, line);
    if ("faults" in decoded) {
      for (const { line: faultLine, ...fault } of decoded.faults) this.report(faultLine, fault);
      return;
    }
    for (const value of decoded) {
      if (value.value !== null) this.readValue(value, value.value, []);
    }
  }

  private readValue(text: DecodedText, value: unknown, prefix: readonly PathSegment[]): void {
    if (this.full) return;
    if (isList(value)) {
      for (const [index, item] of value.items.entries()) this.readValue(text, item, [...prefix, "items", index]);
      return;
    }
    const line = text.lineAt(prefix);
    this.read += 1;
    if (this.read > objectLimit) {
      this.full = true;
      this.report(line, {
        code: configCodes.tooLarge,
        message: `the text holds more than ${objectLimit} objects; the rest is not read`,
      });
      return;
    }
    const lineOf = (path: string): number | undefined => {
      const segments = parsePath(path);
      return segments === undefined ? undefined : text.lineAt([...prefix, ...segments]);
    };
    const envelope = readEnvelope(value, this.defaultNamespace);
    if ("problems" in envelope) {
      for (const found of envelope.problems) this.report(lineOf(found.path ?? "") ?? line, found);
      return;
    }
    this.objects.push({ ...envelope, origin: { file: this.file, line }, lineOf });
  }

  report(line: number, found: Omit<Problem, "severity"> & { severity?: Problem["severity"] }): void {
    const place = this.file === "" ? { line } : { file: this.file, line };
    this.problems.add({ severity: "error", ...found, ...place });
  }
}

/** `kind: List`, and the typed lists that `kubectl get -o yaml` and the API print. */
function isList(value: unknown): value is { items: unknown[] } {
  return (
    isFields(value) &&
    typeof value["kind"] === "string" &&
    value["kind"].endsWith("List") &&
    Array.isArray(value["items"])
  );
}
