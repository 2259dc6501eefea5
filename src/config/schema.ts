// The words schemas are written in. One schema is the source of a kind's type, validation, OpenAPI and explanation.
//
// Everything here is JSON Schema made by TypeBox, plus keywords of ours: `rules` (what JSON Schema cannot say, as the
// CRDs' CEL rules do), `pending` (valid, served, but not carried out by proxies yet), `map` (additionalProperties in
// OpenAPI) and `mapKeys` (how server-side apply merges a list).
import {
  type Static,
  type TArray,
  type TEnum,
  type TInteger,
  type TNumber,
  type TObject,
  type TOptional,
  type TRecord,
  type TSchema,
  type TString,
  Type,
} from "typebox";

export type { Static, TSchema } from "typebox";

/** A check on one value; `test` returns true where the value is fine. It sees only values that fit the schema's types. */
export interface Rule<T = unknown> {
  message: string;
  test(value: T): boolean;
  /** Field below the value that the message is about, if not the value itself. */
  at?: string;
}

export interface FieldOptions {
  description?: string;
  /** True while proxies do not act on the field. */
  pending?: boolean;
  /** Istio's default, for documents; absent means none. */
  default?: unknown;
  rules?: readonly Rule<never>[];
  deprecated?: boolean;
}

type Properties = Record<string, TSchema>;
type WithRequired<P extends Properties, R extends keyof P> = { [K in keyof P]: K extends R ? P[K] : TOptional<P[K]> };

/** An object that knows all its fields. Fields are optional unless `required` names them. */
export function object<P extends Properties, const R extends Extract<keyof P, string> = never>(
  properties: P,
  options: FieldOptions & { required?: readonly R[] } = {},
): TObject<WithRequired<P, R>> {
  const { required = [], ...rest } = options;
  const shape = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      (required as readonly string[]).includes(name) ? schema : Type.Optional(schema),
    ]),
  );
  return Type.Object(shape, { additionalProperties: false, ...rest }) as unknown as TObject<WithRequired<P, R>>;
}

export function string(
  options: FieldOptions & { minLength?: number; maxLength?: number; pattern?: string; format?: string } = {},
): TString {
  return Type.String({ ...options });
}

export function bool(options: FieldOptions = {}) {
  return Type.Boolean({ ...options });
}

/** A whole number; `int32`, `uint32` and `int64` bound it where `minimum` and `maximum` do not. */
export function integer(
  format: "int32" | "uint32" | "int64",
  options: FieldOptions & { minimum?: number; maximum?: number } = {},
): TInteger {
  const bounds = {
    int32: { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
    uint32: { minimum: 0, maximum: 2 ** 32 - 1 },
    int64: { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  }[format];
  return Type.Integer({ ...bounds, format, ...options });
}

export function number(options: FieldOptions & { minimum?: number; maximum?: number } = {}): TNumber {
  return Type.Number({ format: "double", ...options });
}

/** `mapKeys`: fields that tell the items apart, for server-side apply (`x-kubernetes-list-map-keys`). */
export function list<T extends TSchema>(
  items: T,
  options: FieldOptions & { minItems?: number; maxItems?: number; mapKeys?: readonly string[] } = {},
): TArray<T> {
  return Type.Array(items, { ...options });
}

/** Pattern of a map's keys: any text, line breaks included, which `.` would let slip past the values' schema. */
export const everyKey = "^[\\s\\S]*$";

/** String keys to values of one schema; `keyRules` see each key. */
export function map<T extends TSchema>(
  values: T,
  options: FieldOptions & { maxProperties?: number; minProperties?: number } = {},
): TRecord<"^.*$", T> {
  // TypeBox knows the keys of this type, but not of every pattern, to be any text.
  return Type.Record(Type.String({ pattern: everyKey }), values, { ...options, map: true }) as unknown as TRecord<
    "^.*$",
    T
  >;
}

export function oneOfStrings<const V extends readonly string[]>(values: V, options: FieldOptions = {}): TEnum<[...V]> {
  return Type.Enum([...values] as [...V], { type: "string", ...options }) as unknown as TEnum<[...V]>;
}

/** The same schema with other options, for a field that reuses a schema: its own description, or `pending`. */
export function withOptions<T extends TSchema>(schema: T, options: FieldOptions): T {
  const copy = Object.create(null, Object.getOwnPropertyDescriptors(schema)) as T;
  return Object.assign(Object.setPrototypeOf(copy, Object.prototype), options);
}

/** Anything, as `google.protobuf.Struct` is; kept as it is. */
export function anything(options: FieldOptions = {}) {
  return Type.Unknown({ ...options, "x-kubernetes-preserve-unknown-fields": true });
}

/** A schema that holds itself at some depth is written out that deep instead, as in the CRDs. */
export type SpecOf<T extends TSchema> = Static<T>;

/** At most one of these fields may be set (proto `oneof`). */
export function atMostOne(...names: readonly string[]): Rule<Record<string, unknown>> {
  return {
    message: `at most one of ${names.join(", ")} may be set`,
    test: (value) => names.filter((name) => value[name] !== undefined).length <= 1,
  };
}

/** Exactly one of these fields must be set. */
export function exactlyOne(...names: readonly string[]): Rule<Record<string, unknown>> {
  return {
    message: `exactly one of ${names.join(", ")} must be set`,
    test: (value) => names.filter((name) => value[name] !== undefined).length === 1,
  };
}
