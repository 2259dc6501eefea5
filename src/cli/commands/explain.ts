// lateen explain: kinds and their fields, from the schemas in this program; no server is needed.
import { Command } from "commander";
import {
  explain,
  explainMeshConfig,
  type FieldExplanation,
  type FieldSummary,
  type UnknownField,
} from "../../config/explain/explain.ts";
import { pendingFields, pendingMeshConfigFields } from "../../config/explain/pending-fields.ts";
import { apiVersionOf, type Kind } from "../../config/kind.ts";
import { kindByName, kinds } from "../../config/kinds.ts";
import { nearestWord } from "../../config/spelling.ts";
import { quoted } from "../../kernel/quote.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { structuredText } from "../resource/output-format.ts";
import { kubectlLayout, tableLines } from "../terminal/table.ts";
import { wrapText } from "../terminal/wrap-text.ts";

interface ExplainFlags {
  pending?: boolean;
  recursive?: boolean;
  output?: "json" | "yaml";
}

/** Istio's mesh settings: a document, not a kind that is served. */
const meshConfigWord = "meshconfig";

export function explainCommand(context: Context): Command {
  const command = new Command("explain")
    .summary("explain kinds and their fields")
    .description("Explains a kind or one of its fields. Without an argument it lists the kinds.")
    .argument("[path]", "kind, or kind and fields, such as virtualservice.spec.http.retries; MeshConfig too")
    .option("--recursive", "print the fields of fields, without descriptions")
    .option("--pending", "list the fields that are kept and served, but that proxies do not act on yet");
  addOutputFlag(command, ["json", "yaml"]);
  return command
    .addHelpText(
      "after",
      "\nExamples:\n  lateen explain\n  lateen explain vs.spec.http.retries\n  lateen explain --pending",
    )
    .action((path: string | undefined, flags: ExplainFlags) => {
      if (flags.pending === true) printPending(context, path, flags);
      else if (path === undefined) printKinds(context, flags);
      else printField(context, path, flags);
    });
}

function printKinds(context: Context, flags: ExplainFlags): void {
  if (flags.output !== undefined) {
    const list = kinds.map((kind) => ({
      kind: kind.kind,
      plural: kind.plural,
      shortNames: kind.shortNames,
      apiVersions: kind.versions.map((version) => apiVersionOf(kind, version)),
      namespaced: kind.scope === "Namespaced",
      description: kind.description,
    }));
    context.terminal.print(structuredText(flags.output, list));
    return;
  }
  const rows = kinds.map((kind) => [
    kind.plural,
    kind.shortNames.join(","),
    apiVersionOf(kind),
    String(kind.scope === "Namespaced"),
    kind.kind,
  ]);
  for (const line of tableLines([["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"], ...rows], kubectlLayout)) {
    context.terminal.print(line);
  }
}

function printPending(context: Context, word: string | undefined, flags: ExplainFlags): void {
  const paths =
    word === undefined
      ? [...pendingFields(kinds), ...pendingMeshConfigFields()]
      : word.toLowerCase() === meshConfigWord
        ? pendingMeshConfigFields()
        : pendingFields([findKind(word).kind]);
  if (flags.output !== undefined) context.terminal.print(structuredText(flags.output, paths));
  else for (const path of paths) context.terminal.print(path);
}

interface Subject {
  /** Absent for MeshConfig. */
  kind: Kind | undefined;
  explain(path: string): FieldExplanation | UnknownField;
}

function printField(context: Context, text: string, flags: ExplainFlags): void {
  const { subject, path } = findSubject(text);
  const found = lookUp(subject, path);
  if ("unknown" in found) {
    throw cliErrors.usage(`${found.parent} has no field ${quoted(found.unknown)}`, {
      remedy:
        found.nearest === undefined
          ? found.known.length === 0
            ? "It is not an object."
            : `It has ${found.known.join(", ")}.`
          : `Did you mean ${found.nearest}?`,
    });
  }
  if (flags.output !== undefined) {
    context.terminal.print(structuredText(flags.output, found));
    return;
  }
  for (const line of explanationLines(subject, found, flags.recursive === true)) context.terminal.print(line);
}

/** `spec` may be left out, as people do: `vs.http.retries`. Of two failures the one that got further is told. */
function lookUp(subject: Subject, path: string): FieldExplanation | UnknownField {
  const found = subject.explain(path);
  if (!("unknown" in found) || subject.kind?.root !== "spec") return found;
  const below = subject.explain(`spec.${path}`);
  if ("unknown" in below && below.nearest !== undefined && found.nearest === undefined) return below;
  const steps = (field: UnknownField): number => field.parent.split(".").length;
  return "unknown" in below && steps(below) <= Math.max(2, steps(found)) ? found : below;
}

function findSubject(text: string): { subject: Subject; path: string } {
  const [first = "", ...rest] = text.split(".");
  if (first.toLowerCase() === meshConfigWord) {
    return { subject: { kind: undefined, explain: explainMeshConfig }, path: rest.join(".") };
  }
  const { kind, path } = findKind(text);
  return { subject: { kind, explain: (fieldPath) => explain(kind, fieldPath) }, path };
}

/** The longest beginning that names a kind: `virtualservices.networking.istio.io` is one, `vs.spec` is kind and field. */
function findKind(text: string): { kind: Kind; path: string } {
  const parts = text.split(".").slice(0, 64);
  for (let length = parts.length; length > 0; length -= 1) {
    const kind = kindByName(parts.slice(0, length).join("."));
    if (kind !== undefined) return { kind, path: parts.slice(length).join(".") };
  }
  const word = parts[0] ?? "";
  const nearest = nearestWord(
    word,
    kinds.flatMap((kind) => [kind.kind, kind.plural, ...kind.shortNames]),
  );
  throw cliErrors.usage(`there is no kind ${quoted(word)}`, {
    remedy: nearest === undefined ? "lateen explain lists the kinds." : `Did you mean ${nearest}?`,
  });
}

const textWidth = 80;

function explanationLines(subject: Subject, found: FieldExplanation, recursive: boolean): string[] {
  const { kind } = subject;
  const lines: string[] = [];
  if (kind !== undefined && kind.group !== "") lines.push(`GROUP:      ${kind.group}`);
  lines.push(`KIND:       ${kind?.kind ?? "MeshConfig"}`);
  if (kind !== undefined) lines.push(`VERSION:    ${kind.versions.join(", ")}`);
  lines.push("");
  if (found.path.includes(".")) lines.push(`FIELD: ${found.name} ${found.type}${remarks(found)}`, "");
  const values = found.enum === undefined ? [] : [`Values: ${found.enum.join(", ")}.`];
  const byDefault = found.default === undefined ? [] : [`Default: ${defaultText(found.default)}.`];
  const text = [found.description, ...values, ...byDefault].filter((part) => part !== "").join("\n");
  lines.push("DESCRIPTION:", ...wrapText(text === "" ? "<empty>" : text, textWidth - 4).map((line) => `    ${line}`));
  if (found.children.length > 0) {
    lines.push("", "FIELDS:");
    if (recursive) lines.push(...treeLines(subject, found, "  "));
    else for (const child of found.children) lines.push(...childLines(child));
  }
  return lines;
}

function childLines(child: FieldSummary): string[] {
  const values = child.enum === undefined ? "" : ` Values: ${child.enum.join(", ")}.`;
  const byDefault = child.default === undefined ? "" : ` Default: ${defaultText(child.default)}.`;
  const text = `${child.description}${values}${byDefault}`.trim();
  return [
    `  ${child.name} ${child.type}${remarks(child)}`,
    ...wrapText(text, textWidth - 4).map((line) => `    ${line}`),
    "",
  ];
}

function remarks(field: FieldSummary): string {
  return [
    ...(field.required ? ["-required-"] : []),
    ...(field.deprecated ? ["-deprecated-"] : []),
    ...(field.pending ? ["-not carried out yet-"] : []),
  ]
    .map((remark) => ` ${remark}`)
    .join("");
}

function defaultText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Fields below one that is named, each with its type; schemas hold no cycles. */
function treeLines(subject: Subject, field: FieldExplanation, indent: string): string[] {
  return field.children.flatMap((child) => {
    const line = `${indent}${child.name} ${child.type}${remarks(child)}`;
    const inner = child.type.endsWith("Object>") ? subject.explain(`${field.path}.${child.name}`) : undefined;
    return inner === undefined || "unknown" in inner ? [line] : [line, ...treeLines(subject, inner, `${indent}  `)];
  });
}
