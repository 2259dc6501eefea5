import assert from "node:assert/strict";
import { test } from "node:test";
import type { Problem } from "../problem.ts";
import { problemLimit, problemList } from "./problem-list.ts";

test("a flood of warnings hides no error, and what is left out is counted", () => {
  const problems = problemList("mesh.yaml");
  const warning: Problem = { severity: "warning", code: "LAT1010", message: "w", line: 1 };
  for (let count = 0; count < problemLimit + 7; count++) problems.add(warning);
  problems.add({ severity: "error", code: "LAT1007", message: "e", line: 2 });
  const listed = problems.list();
  assert.equal(listed.length, problemLimit + 2);
  assert.equal(listed.at(-2)?.message, "e");
  assert.match(listed.at(-1)?.message ?? "", /^7 further/);
});
