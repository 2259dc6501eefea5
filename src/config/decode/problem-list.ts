// The problems of one text, bounded: a broken generator can make a million of them.
import { configCodes } from "../errors.ts";
import type { Problem } from "../problem.ts";

/** Errors of one text that are listed, and as many warnings and hints beside them. */
export const problemLimit = 1_000;

export interface ProblemList {
  add(problem: Problem): void;
  /** All that are kept, by line; where some are not, the last says how many. */
  list(): Problem[];
}

export function problemList(file: string | undefined): ProblemList {
  const errors: Problem[] = [];
  const others: Problem[] = [];
  let left = 0;
  return {
    add(problem) {
      const kept = problem.severity === "error" ? errors : others;
      if (kept.length < problemLimit) kept.push(problem);
      else left += 1;
    },
    list() {
      const problems = [...errors, ...others].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
      if (left > 0) {
        problems.push({
          severity: "warning",
          code: configCodes.tooLarge,
          message: `${left} further problems are not listed`,
          ...(file === undefined ? {} : { file }),
        });
      }
      return problems;
    },
  };
}
