// Checks an object against its kind: schema, rules, metadata, and the kind's own check.
import { Compile } from "typebox/compile";
import { Settings } from "typebox/system";
import { configCodes } from "./errors.ts";
import { formatPath, fromPointer, type PathSegment } from "./field-path.ts";
import type { Kind } from "./kind.ts";
import { checkMetadata } from "./metadata.ts";
import type { ApiObject } from "./object.ts";
import type { Problem } from "./problem.ts";
import { everyKey, type Rule, type TSchema } from "./schema.ts";
import { nearestWord } from "./spelling.ts";
import { compileWalker, type Walker } from "./walker.ts";

/** At most this many problems are reported for one object. */
const problemLimit = 64;
Settings.Set({ maxErrors: problemLimit });

interface CompiledKind {
  check: ReturnType<typeof Compile<TSchema>>;
  rules: Walker<Rule>;
  pending: Walker<true>;
}

const compiled = new WeakMap<TSchema, CompiledKind>();

function compileKind(schema: TSchema): CompiledKind {
  let entry = compiled.get(schema);
  if (entry === undefined) {
    entry = {
      check: Compile(schema),
      rules: compileWalker(schema, (node) => (node as { rules?: readonly Rule[] }).rules ?? []),
      pending: compileWalker(schema, (node) =>
        (node as { pending?: boolean }).pending === true ? [true as const] : [],
      ),
    };
    compiled.set(schema, entry);
  }
  return entry;
}

/**
 * Everything that is wrong with the object, and what proxies would not carry out.
 *
 * @param object an object whose `kind` is this kind; never changed
 */
export function validateObject(kind: Kind, object: ApiObject): Problem[] {
  const problems: Problem[] = checkMetadata(kind, object.metadata);
  const { subject, prefix } = subjectOf(kind, object);
  if (kind.root === "spec") problems.push(...unknownTopFields(object));
  const found = validateValue(kind.schema, subject, prefix);
  problems.push(...found.errors);
  if (kind.check !== undefined && problems.every((problem) => problem.severity !== "error")) {
    problems.push(...kind.check(kind.root === "spec" ? { ...object, spec: subject } : object));
  }
  problems.push(...found.pending);
  const ref = { kind: kind.kind, namespace: object.metadata.namespace, name: object.metadata.name };
  return problems.slice(0, problemLimit).map((problem) => ({ ...problem, object: ref }));
}

/**
 * Checks a value against a schema and its rules.
 *
 * @param prefix path of the value in its object; it starts every path of the result
 * @returns `pending`: fields that are set but not carried out; empty where there are errors of the schema
 */
export function validateValue(
  schema: TSchema,
  value: unknown,
  prefix: readonly PathSegment[],
): { errors: Problem[]; pending: Problem[] } {
  const { check, rules, pending } = compileKind(schema);
  if (!check.Check(value)) return { errors: schemaProblems(check, value, prefix), pending: [] };
  const errors: Problem[] = [];
  rules.walk(value, (rule, found, path) => {
    if (errors.length >= problemLimit || rule.test(found)) return;
    const at = rule.at === undefined ? [] : rule.at.split(".");
    errors.push({
      severity: "error",
      code: configCodes.ruleBroken,
      message: rule.message,
      path: formatPath([...prefix, ...path, ...at]),
    });
  });
  const notCarriedOut: Problem[] = [];
  pending.walk(value, (_, __, path) => {
    if (notCarriedOut.length >= problemLimit) return;
    notCarriedOut.push({
      severity: "warning",
      code: configCodes.notCarriedOut,
      message: "valid, but proxies do not act on it yet",
      path: formatPath([...prefix, ...path]),
      remedy: "Do not rely on the field.",
    });
  });
  return { errors, pending: notCarriedOut };
}

const topFields = ["apiVersion", "kind", "metadata", "spec", "status"];

function unknownTopFields(object: ApiObject): Problem[] {
  return Object.keys(object)
    .filter((name) => !topFields.includes(name))
    .map((name) => {
      const nearest = nearestWord(name, topFields);
      return {
        severity: "error",
        code: configCodes.unknownField,
        message: "unknown field",
        path: formatPath([name]),
        remedy: nearest === undefined ? "Remove it, or move it into spec." : `Did you mean ${nearest}?`,
      };
    });
}

/** The part of the object that the schema is about. */
function subjectOf(kind: Kind, object: ApiObject): { subject: unknown; prefix: PathSegment[] } {
  if (kind.root === "spec") return { subject: object.spec ?? {}, prefix: ["spec"] };
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, status: _status, ...rest } = object;
  return { subject: rest, prefix: [] };
}

interface SchemaError {
  keyword: string;
  instancePath: string;
  params: object;
  message: string;
}

function schemaProblems(check: CompiledKind["check"], subject: unknown, prefix: readonly PathSegment[]): Problem[] {
  const problems: Problem[] = [];
  const errors = check.Errors(subject) as unknown as SchemaError[];
  const wrongTypes = new Set(
    errors.filter(({ keyword }) => keyword === "type").map(({ instancePath }) => instancePath),
  );
  for (const error of errors) {
    // A number is none of the words, too; that it is no text says it all.
    if (error.keyword === "enum" && wrongTypes.has(error.instancePath)) continue;
    const path = [...prefix, ...fromPointer(error.instancePath, subject)];
    problems.push(...describeSchemaError(error, path, check, subject));
  }
  return problems;
}

function describeSchemaError(
  error: SchemaError,
  path: PathSegment[],
  check: CompiledKind["check"],
  subject: unknown,
): Problem[] {
  const params = error.params as Record<string, unknown>;
  const at = (code: string, message: string, remedy?: string, segments: PathSegment[] = path): Problem => ({
    severity: "error",
    code,
    message,
    path: formatPath(segments),
    ...(remedy === undefined ? {} : { remedy }),
  });
  switch (error.keyword) {
    case "boolean":
      return []; // the additionalProperties error of the parent says it better
    case "additionalProperties": {
      const node = schemaAt(check, error.instancePath, subject);
      const known = Object.keys((node as { properties?: object } | undefined)?.properties ?? {});
      return (params["additionalProperties"] as string[]).map((name) => {
        const nearest = nearestWord(name, known);
        const remedy = nearest === undefined ? "Remove it." : `Did you mean ${nearest}?`;
        return at(configCodes.unknownField, "unknown field", remedy, [...path, name]);
      });
    }
    case "required":
      return (params["requiredProperties"] as string[]).map((name) =>
        at(configCodes.missingField, "required field is missing", "Add it.", [...path, name]),
      );
    case "type": {
      const types = Array.isArray(params["type"]) ? params["type"].join(" or ") : String(params["type"]);
      return [at(configCodes.wrongType, `must be of type ${types}`, `Write a value of type ${types}.`)];
    }
    case "enum":
    case "const": {
      const values = (params["allowedValues"] as unknown[] | undefined) ?? [params["allowedValue"]];
      return [at(configCodes.notInEnum, "unsupported value", `Use one of ${values.join(", ")}.`)];
    }
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return [at(configCodes.outOfBounds, `must be ${String(params["comparison"])} ${String(params["limit"])}`)];
    case "minLength":
    case "maxLength":
    case "minItems":
    case "maxItems":
    case "minProperties":
    case "maxProperties":
    case "pattern":
      return [at(configCodes.outOfBounds, error.message)];
    default:
      return [at(configCodes.ruleBroken, error.message)];
  }
}

function schemaAt(check: CompiledKind["check"], pointer: string, subject: unknown): unknown {
  let node: Record<string, unknown> | undefined = check.Type() as unknown as Record<string, unknown>;
  for (const segment of fromPointer(pointer, subject)) {
    if (node === undefined) return undefined;
    const properties = node["properties"] as Record<string, Record<string, unknown>> | undefined;
    const patterns = node["patternProperties"] as Record<string, Record<string, unknown>> | undefined;
    if (typeof segment === "number") node = node["items"] as Record<string, unknown> | undefined;
    else if (properties !== undefined && Object.hasOwn(properties, segment)) node = properties[segment];
    else node = patterns?.[everyKey];
  }
  return node;
}
