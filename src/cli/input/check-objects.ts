// What a person is about to send, checked before anything leaves: each object alone, then all of them together.

import { analyze } from "../../config/analysis/analyze.ts";
import type { AnalyzedObject } from "../../config/analysis/analyzed-object.ts";
import { decodeAndValidate } from "../../config/decode/decode-and-validate.ts";
import type { Decoded } from "../../config/decode/decode-yaml.ts";
import { configCodes } from "../../config/errors.ts";
import { formatObjectRef, formatProblem, type Problem } from "../../config/problem.ts";
import { cliCodes, cliErrors } from "../errors.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { InputText } from "./read-files.ts";

export interface CheckedObjects {
  objects: Decoded[];
  /** Of the texts and of each object. */
  problems: Problem[];
}

/** Problems that are printed; more are counted. */
const printedLimit = 200;

/**
 * Decodes and validates all texts. An object that two files define is refused in the second.
 *
 * @param namespace where objects without a namespace go
 * @param typed true where the person named the namespace: objects must not name another
 */
export function checkTexts(texts: readonly InputText[], namespace: string, typed: boolean): CheckedObjects {
  const objects: Decoded[] = [];
  const problems: Problem[] = [];
  const seen = new Map<string, Decoded>();
  for (const { file, text } of texts) {
    const found = decodeAndValidate(text, { file, defaultNamespace: namespace });
    problems.push(...found.problems);
    for (const decoded of [...found.objects, ...found.refused]) {
      const key = `${decoded.kind.group}/${formatObjectRef(refOf(decoded))}`;
      const first = seen.get(key);
      if (first === undefined) seen.set(key, decoded);
      // Within one file decodeAndValidate has said so already.
      else if (first.origin.file !== decoded.origin.file) problems.push(duplicate(decoded, first));
      if (typed && decoded.kind.scope === "Namespaced" && decoded.object.metadata.namespace !== namespace) {
        problems.push(otherNamespace(decoded, namespace));
      }
    }
    objects.push(...found.objects);
  }
  return { objects, problems };
}

/**
 * Warnings about `objects` that only show beside what is there already.
 *
 * @param present objects of the server; those that `objects` replace are left out. Undefined: the server was not asked
 */
export function analyzeTogether(
  objects: readonly Decoded[],
  present: readonly AnalyzedObject[] | undefined,
): Problem[] {
  if (present === undefined) return analyze(objects, { filesOnly: true });
  const given = new Set(objects.map((each) => `${each.kind.group}/${formatObjectRef(refOf(each))}`));
  const kept = present.filter((each) => !given.has(`${each.kind.group}/${formatObjectRef(refOf(each))}`));
  const own = new Set<AnalyzedObject>(objects);
  return analyze([...objects, ...kept], { only: (each) => own.has(each) });
}

/** Prints problems in the order of files and lines; the person reads from the top. */
export function printProblems(terminal: Terminal, problems: readonly Problem[]): void {
  for (const problem of problems.slice(0, printedLimit)) terminal.note(formatProblem(problem));
  if (problems.length > printedLimit) terminal.note(`… and ${problems.length - printedLimit} more`);
}

/**
 * Prints all problems, and refuses to go on where one is an error (or, if `strict`, a warning).
 *
 * @throws LateenError LAT9010
 */
export function refuseProblems(terminal: Terminal, problems: readonly Problem[], strict: boolean): void {
  printProblems(terminal, problems);
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const warnings = problems.filter((problem) => problem.severity === "warning").length;
  if (errors > 0) throw cliErrors.objectRefused(`${count(errors, "error")}; nothing was sent`);
  if (strict && warnings > 0) {
    throw cliErrors.objectRefused(`${count(warnings, "warning")} with --strict; nothing was sent`, {
      remedy: "Correct what is listed above, or leave --strict out.",
    });
  }
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function refOf({ kind, object: { metadata } }: AnalyzedObject): { kind: string; namespace: string; name: string } {
  return { kind: kind.kind, namespace: metadata.namespace, name: metadata.name };
}

function duplicate(decoded: Decoded, first: Decoded): Problem {
  return {
    severity: "error",
    code: configCodes.duplicateObject,
    message: `is defined at ${first.origin.file}:${first.origin.line} already`,
    object: refOf(decoded),
    path: "metadata.name",
    remedy: "Remove one of the two.",
    file: decoded.origin.file,
    line: decoded.lineOf("metadata.name") ?? decoded.origin.line,
  };
}

function otherNamespace(decoded: Decoded, namespace: string): Problem {
  return {
    severity: "error",
    code: cliCodes.namespaceMismatch,
    message: `the command line says namespace ${namespace}, the object ${decoded.object.metadata.namespace}`,
    object: refOf(decoded),
    path: "metadata.namespace",
    remedy: "Leave --namespace out, or make the two equal.",
    file: decoded.origin.file,
    line: decoded.lineOf("metadata.namespace") ?? decoded.origin.line,
  };
}
