// Reading JSON of others without believing its shape: what is missing or of another type reads as empty.

import { type Fields, isFields } from "../kernel/fields.ts";

const none: Fields = {};

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : none;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A number, or the text that protobuf's JSON writes for 64 bits; undefined where it is neither. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** The value at a path of keys. */
export function valueAt(value: unknown, ...keys: readonly string[]): unknown {
  let current = value;
  for (const key of keys) {
    const fields = fieldsOf(current);
    current = Object.hasOwn(fields, key) ? fields[key] : undefined;
  }
  return current;
}
