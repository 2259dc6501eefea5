// What only several objects together show: dangling references, and claims that contradict each other.
import type { Problem } from "../problem.ts";
import { Analysis, type AnalysisOptions } from "./analysis.ts";
import { type AnalyzedObject, type Finding, toProblem } from "./analyzed-object.ts";
import { finish } from "./steps.ts";

export interface AnalyzeOptions extends AnalysisOptions {
  /** True where the objects are some files, and the mesh may hold more: what is missing may be there. */
  readonly filesOnly?: boolean;
}

/**
 * Looks at the objects as one mesh. Pure; objects are never changed.
 *
 * @param objects objects that fit their schemas; of each object one
 * @returns warnings with Istio's codes, in the order of the objects
 */
export function analyze(
  objects: readonly AnalyzedObject[],
  { filesOnly = false, ...options }: AnalyzeOptions = {},
): Problem[] {
  const found = finish(new Analysis(options).run(objects));
  return found.map((each) => toProblem(filesOnly ? amongFiles(each) : each));
}

function amongFiles(found: Finding): Finding {
  if (found.missing === undefined) return found;
  return {
    ...found,
    message: `there is no ${found.missing} among these files`,
    remedy: `${found.remedy} --dry-run=server looks at the mesh, too.`,
  };
}
