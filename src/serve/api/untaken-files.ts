// Whoever looks at objects is told what of the watched files was not taken: what they see may be older than the files.
import type { Collection } from "../../collection/collection.ts";
import { formatProblem, type Problem } from "../../config/problem.ts";

/** Warnings of one answer. */
const warningLimit = 5;

/** Which objects are looked at; an empty namespace or name stands for all. */
export interface Look {
  kind: string;
  namespace: string;
  name: string;
}

/** Errors of files that may hold what is looked at: those that name such an object, and those that name none. */
export function untakenFiles(folders: readonly Collection<readonly Problem[]>[], look: Look): string[] {
  const found: string[] = [];
  let more = 0;
  for (const folder of folders) {
    for (const problems of folder.values()) {
      for (const problem of problems) {
        if (problem.severity !== "error" || !concerns(problem, look)) continue;
        if (found.length < warningLimit) found.push(`not taken: ${formatProblem(problem)}`);
        else more += 1;
      }
    }
  }
  return more === 0 ? found : [...found, `not taken: ${more} more errors in files`];
}

function concerns({ object }: Problem, { kind, namespace, name }: Look): boolean {
  if (object === undefined) return true;
  return (
    object.kind === kind &&
    (namespace === "" || object.namespace === namespace) &&
    (name === "" || object.name === name)
  );
}
