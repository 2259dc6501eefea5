// One object → the lines of lateen describe.
import { kindByGvk } from "../../config/kinds.ts";
import type { ApiObject } from "../../config/object.ts";
import { formatProblem, type Problem } from "../../config/problem.ts";
import { validateObject } from "../../config/validate.ts";
import { type Fields, isFields } from "../../kernel/fields.ts";
import { fieldsOf, listOf, numberOf, textOf, valueAt } from "../json-value.ts";
import { ageOf } from "../terminal/age.ts";
import { yamlText } from "../terminal/structured.ts";
import { tableLines } from "../terminal/table.ts";

/** Width of the first column, as kubectl has it for its longest label, characters. */
const labelWidth = 14;
/** Annotations that hold copies of the object. */
const hiddenAnnotations: ReadonlySet<string> = new Set(["kubectl.kubernetes.io/last-applied-configuration"]);

export function describeObject(object: unknown, nowMs: number): string[] {
  const meta = fieldsOf(valueAt(object, "metadata"));
  const created = textOf(meta["creationTimestamp"]);
  const { apiVersion: _a, kind: _k, metadata: _m, status, ...content } = fieldsOf(object);
  const annotations = Object.fromEntries(
    Object.entries(fieldsOf(meta["annotations"])).filter(([key]) => !hiddenAnnotations.has(key)),
  );
  const lines = [
    field("Name", textOf(meta["name"])),
    ...(meta["namespace"] === undefined || meta["namespace"] === ""
      ? []
      : [field("Namespace", textOf(meta["namespace"]))]),
    ...pairs("Labels", fieldsOf(meta["labels"])),
    ...pairs("Annotations", annotations),
    field("API Version", textOf(valueAt(object, "apiVersion"))),
    field("Kind", textOf(valueAt(object, "kind"))),
    ...(created === "" ? [] : [field("Created", `${created} (${ageOf(created, nowMs)} ago)`)]),
    ...(meta["generation"] === undefined ? [] : [field("Generation", String(numberOf(meta["generation"]) ?? ""))]),
  ];
  for (const [name, value] of Object.entries(content)) {
    lines.push(`${name.slice(0, 1).toUpperCase()}${name.slice(1)}:`, ...indent(yamlText(value)));
  }
  lines.push(...describeStatus(fieldsOf(status), nowMs));
  lines.push(...describeProblems(problemsOf(object), fieldsOf(status)));
  lines.push(field("Events", "<none>"));
  return lines;
}

function field(label: string, value: string): string {
  return `${`${label}:`.padEnd(labelWidth)}${value}`;
}

function pairs(label: string, values: Fields): string[] {
  const entries = Object.entries(values);
  if (entries.length === 0) return [field(label, "<none>")];
  const separator = label === "Labels" ? "=" : ": ";
  return entries.map(([key, value], index) =>
    index === 0
      ? field(label, `${key}${separator}${String(value)}`)
      : `${" ".repeat(labelWidth)}${key}${separator}${String(value)}`,
  );
}

function describeStatus(status: Fields, nowMs: number): string[] {
  const { conditions, validationMessages: _, ...rest } = status;
  const rows = listOf(conditions)
    .map(fieldsOf)
    .map((condition) => [
      textOf(condition["type"]),
      textOf(condition["status"]),
      textOf(condition["reason"]),
      condition["lastTransitionTime"] === undefined ? "" : ageOf(textOf(condition["lastTransitionTime"]), nowMs),
      textOf(condition["message"]),
    ]);
  const lines: string[] = [];
  if (Object.keys(rest).length > 0) lines.push("Status:", ...indent(yamlText(rest)));
  if (rows.length > 0) {
    lines.push("Conditions:");
    lines.push(
      ...tableLines([["TYPE", "STATUS", "REASON", "AGE", "MESSAGE"], ...rows], { gap: 2 }).map((line) => `  ${line}`),
    );
  }
  return lines;
}

/** What this program's schemas say; nothing for kinds it does not know. */
function problemsOf(object: unknown): Problem[] {
  const kind = kindByGvk(textOf(valueAt(object, "apiVersion")), textOf(valueAt(object, "kind")));
  if (kind === undefined || !isFields(valueAt(object, "metadata"))) return [];
  const meta = { namespace: "", ...fieldsOf(valueAt(object, "metadata")) };
  return validateObject(kind, { ...fieldsOf(object), metadata: meta } as unknown as ApiObject);
}

function describeProblems(problems: readonly Problem[], status: Fields): string[] {
  const pending = problems.filter((problem) => problem.code === "LAT1010");
  const own = problems
    .filter((problem) => problem.code !== "LAT1010")
    .map(({ object: _, ...problem }) => formatProblem(problem));
  const reported = listOf(status["validationMessages"]).map(messageText);
  const all = [...new Set([...own, ...reported])];
  return [
    ...(all.length === 0 ? [field("Problems", "<none>")] : ["Problems:", ...all.map((line) => `  ${line}`)]),
    ...(pending.length === 0
      ? []
      : ["Not carried out by proxies yet:", ...pending.map((problem) => `  ${problem.path ?? ""}`)]),
  ];
}

/** Istio's AnalysisMessageBase with its level and code, as `status.validationMessages` holds them. */
function messageText(value: unknown): string {
  const message = fieldsOf(value);
  const level = textOf(message["level"]).toLowerCase();
  const code = textOf(valueAt(message["type"], "code"));
  const text =
    textOf(message["message"]) || textOf(message["documentationUrl"]) || textOf(valueAt(message["type"], "name"));
  return [level, code, text].filter((part) => part !== "").join(" ");
}

function indent(text: string): string[] {
  return text.split("\n").map((line) => `  ${line}`);
}
