// Cases made from a kind's schema: every field of it, and one violation of everything it bounds.
import { configCodes } from "../errors.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import type { TSchema } from "../schema.ts";

export interface SchemaNode {
  type?: string;
  properties?: Record<string, SchemaNode>;
  patternProperties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  required?: string[];
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  pending?: boolean;
  description?: string;
}

export interface Violation {
  /** The sample with one value changed. */
  spec: unknown;
  /** Path and code of the one problem it must give. */
  path: string;
  code: string;
}

type Value = Record<PathSegment, unknown>;

/** Every field of the schema, `http[].match[].uri`, in order. */
export function fieldsOf(schema: TSchema): { field: string; node: SchemaNode }[] {
  const fields: { field: string; node: SchemaNode }[] = [];
  const visit = (node: SchemaNode, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      const field = path === "" ? name : `${path}.${name}`;
      fields.push({ field, node: child });
      visit(child, field);
    }
    if (node.items !== undefined) visit(node.items, `${path}[]`);
    for (const child of Object.values(node.patternProperties ?? {})) visit(child, `${path}{}`);
  };
  visit(schema as SchemaNode, "");
  return fields;
}

/** Where each value of the sample is, with the schema that it must fit. */
export interface Place {
  path: PathSegment[];
  /** The path as `fieldsOf` spells it. */
  field: string;
  node: SchemaNode;
}

export function placesOf(schema: TSchema, sample: unknown): Place[] {
  const places: Place[] = [];
  const visit = (node: SchemaNode, value: unknown, path: PathSegment[], field: string): void => {
    places.push({ path, field, node });
    if (value === null || typeof value !== "object") return;
    for (const [key, child] of Object.entries(value)) {
      const named = node.properties?.[key];
      const mapped = Object.values(node.patternProperties ?? {})[0];
      if (Array.isArray(value) && node.items !== undefined) {
        visit(node.items, child, [...path, Number(key)], `${field}[]`);
      } else if (named !== undefined) {
        visit(named, child, [...path, key], field === "" ? key : `${field}.${key}`);
      } else if (mapped !== undefined) {
        visit(mapped, child, [...path, key], `${field}{}`);
      }
    }
  };
  visit(schema as SchemaNode, sample, [], "");
  return places;
}

/** A copy with the value at the path replaced, or removed where `value` is undefined; it shares all other parts. */
export function changed(sample: unknown, path: readonly PathSegment[], value: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  const copy = (Array.isArray(sample) ? [...sample] : { ...(sample as Value) }) as Value;
  const inner = rest.length === 0 ? value : changed(copy[head], rest, value);
  if (inner !== undefined) {
    Object.defineProperty(copy, head, { value: inner, enumerable: true, configurable: true, writable: true });
  } else if (Array.isArray(copy)) copy.splice(Number(head), 1);
  else delete copy[head];
  return copy;
}

export function valueAt(sample: unknown, path: readonly PathSegment[]): unknown {
  let value = sample;
  for (const segment of path) value = (value as Value)[segment];
  return value;
}

/** The first place of each field in the samples. */
export function firstPlacesOf(schema: TSchema, samples: readonly unknown[]): { sample: unknown; place: Place }[] {
  const first = new Map<string, { sample: unknown; place: Place }>();
  for (const sample of samples) {
    for (const place of placesOf(schema, sample))
      if (!first.has(place.field)) first.set(place.field, { sample, place });
  }
  return [...first.values()];
}

/** One violation of each enum, bound, pattern, type and required field of the schema, made from the samples' values. */
export function* violations(schema: TSchema, samples: readonly unknown[]): Generator<Violation> {
  for (const { sample, place } of firstPlacesOf(schema, samples)) {
    const { path, node } = place;
    const make = (value: unknown, code: string, below: PathSegment[] = []): Violation => ({
      spec: changed(sample, [...path, ...below], value),
      path: formatPath(["spec", ...path, ...below]),
      code,
    });
    if (path.length > 0 && node.enum === undefined) {
      yield make(node.type === "boolean" ? "true" : true, configCodes.wrongType);
    }
    if (node.enum !== undefined) yield make("NO_SUCH_WORD", configCodes.notInEnum);
    if (node.type === "integer") yield make((node.minimum ?? 0) + 0.5, configCodes.wrongType);
    if (node.minimum !== undefined) yield make(node.minimum - 1, configCodes.outOfBounds);
    if (node.maximum !== undefined) yield make(node.maximum + 1, configCodes.outOfBounds);
    if (node.minLength !== undefined) yield make("", configCodes.outOfBounds);
    if (node.pattern !== undefined) yield make("?", configCodes.outOfBounds);
    if (node.maxLength !== undefined) yield make("a".repeat(node.maxLength + 1), configCodes.outOfBounds);
    if (node.maxItems !== undefined) {
      const [first] = valueAt(sample, path) as unknown[];
      yield make(new Array(node.maxItems + 1).fill(first), configCodes.outOfBounds);
    }
    if (node.maxProperties !== undefined) {
      const keys = Array.from({ length: node.maxProperties + 1 }, (_, index) => [`key-${index}`, "value"]);
      yield make(Object.fromEntries(keys), configCodes.outOfBounds);
    }
    if (node.properties === undefined) continue;
    yield make(1, configCodes.unknownField, ["noSuchField"]);
    for (const name of node.required ?? []) yield make(undefined, configCodes.missingField, [name]);
  }
}
