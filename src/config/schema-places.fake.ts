// Cases made from a schema and a sample: every place of the sample, and one violation of everything that bounds it.
import { configCodes } from "./errors.ts";
import { formatPath, type PathSegment } from "./field-path.ts";
import { mapValues, type SchemaNode } from "./schema-node.ts";

export interface Place {
  path: PathSegment[];
  /** `ports[].name`, `labels{}`: the same for all items of a list and all values of a map. */
  field: string;
  node: SchemaNode;
  value: unknown;
}

/** Every field that the schema knows. */
export function schemaFields(node: SchemaNode, field = ""): { field: string; node: SchemaNode }[] {
  const below = Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = field === "" ? name : `${field}.${name}`;
    return [{ field: path, node: child }, ...schemaFields(child, path)];
  });
  if (node.items !== undefined) below.push(...schemaFields(node.items, `${field}[]`));
  const values = mapValues(node);
  if (values !== undefined) below.push(...schemaFields(values, `${field}{}`));
  return below;
}

/** Every value of the sample with its schema, the sample itself first. */
export function samplePlaces(node: SchemaNode, value: unknown, path: PathSegment[] = [], field = ""): Place[] {
  const places: Place[] = [{ path, field, node, value }];
  if (value === null || typeof value !== "object") return places;
  for (const [key, child] of Object.entries(value)) {
    const step = (inner: SchemaNode | undefined, segment: PathSegment, name: string): void => {
      if (inner !== undefined) places.push(...samplePlaces(inner, child, [...path, segment], name));
    };
    if (Array.isArray(value)) step(node.items, Number(key), `${field}[]`);
    else if (mapValues(node) !== undefined) step(mapValues(node), key, `${field}{}`);
    else step(node.properties?.[key], key, field === "" ? key : `${field}.${key}`);
  }
  return places;
}

/** A copy of the sample with another value at the path; `undefined` takes the key or item away. */
export function withValueAt(sample: unknown, path: readonly PathSegment[], value: unknown): unknown {
  const [segment, ...rest] = path;
  if (segment === undefined) return value;
  const copy = (Array.isArray(sample) ? [...sample] : { ...(sample as object) }) as Record<PathSegment, unknown>;
  const inner = withValueAt(copy[segment], rest, value);
  if (inner !== undefined || rest.length > 0) copy[segment] = inner;
  else if (Array.isArray(copy)) copy.splice(Number(segment), 1);
  else delete copy[segment];
  return copy;
}

export interface Violation {
  spec: unknown;
  /** The one problem that it must give. */
  path: string;
  code: string;
}

/** One violation of each type, word, bound, pattern and required field of the values in the sample. */
export function sampleViolations(schema: SchemaNode, sample: unknown): Violation[] {
  return samplePlaces(schema, sample).flatMap((place) =>
    brokenValues(place).map(({ value, code, at = [] }) => ({
      spec: withValueAt(sample, [...place.path, ...at], value),
      path: formatPath(["spec", ...place.path, ...at]),
      code,
    })),
  );
}

function brokenValues({ path, node, value }: Place): { value: unknown; code: string; at?: PathSegment[] }[] {
  const { wrongType, notInEnum, outOfBounds, unknownField, missingField } = configCodes;
  const broken: { value: unknown; code: string; at?: PathSegment[] }[] = [];
  if (path.length > 0) broken.push({ value: node.type === "boolean" ? "true" : true, code: wrongType });
  if (node.enum !== undefined) broken.push({ value: "NO_SUCH_WORD", code: notInEnum });
  if (node.type === "integer") broken.push({ value: 0.5, code: wrongType });
  if (node.minimum !== undefined) broken.push({ value: node.minimum - 1, code: outOfBounds });
  if (node.maximum !== undefined) broken.push({ value: node.maximum + 1, code: outOfBounds });
  if (node.minLength !== undefined) broken.push({ value: "a".repeat(node.minLength - 1), code: outOfBounds });
  if (node.maxLength !== undefined) broken.push({ value: "a".repeat(node.maxLength + 1), code: outOfBounds });
  if (node.pattern !== undefined) broken.push({ value: "?", code: outOfBounds });
  if (node.minItems !== undefined) broken.push({ value: [], code: outOfBounds });
  if (node.maxItems !== undefined) {
    broken.push({ value: Array(node.maxItems + 1).fill((value as unknown[])[0]), code: outOfBounds });
  }
  if (node.minProperties !== undefined) broken.push({ value: {}, code: outOfBounds });
  if (node.maxProperties !== undefined) {
    const [one] = Object.values(value as object);
    const entries = Array.from({ length: node.maxProperties + 1 }, (_, index) => [`key-${index}`, one]);
    broken.push({ value: Object.fromEntries(entries), code: outOfBounds });
  }
  if (node.properties !== undefined) broken.push({ value: 1, code: unknownField, at: ["noSuchField"] });
  for (const name of node.required ?? []) broken.push({ value: undefined, code: missingField, at: [name] });
  return broken;
}

/** A value that sets every field of the schema; rules may still find it wrong. */
export function fullSample(node: SchemaNode): unknown {
  if (node.enum !== undefined) return node.enum[0];
  if (node.items !== undefined) return [fullSample(node.items)];
  const values = mapValues(node);
  if (values !== undefined) return { key: fullSample(values) };
  if (node.type === "boolean") return true;
  if (node.type === "integer" || node.type === "number") return Math.max(node.minimum ?? 1, 1);
  if (node.type === "string") return "a".repeat(Math.max(node.minLength ?? 1, 1));
  return Object.fromEntries(Object.entries(node.properties ?? {}).map(([name, child]) => [name, fullSample(child)]));
}
