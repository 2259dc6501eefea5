// Bounds that Envoy or Istio put on numbers and durations whose CRD fields are wider.
import { parseDurationMs } from "../duration.ts";
import type { Rule } from "../schema.ts";

export const notNegative: Rule<number> = { message: "must be 0 or more", test: (value) => value >= 0 };

export const percentage: Rule<number> = {
  message: "must be between 0 and 100",
  test: (value) => value >= 0 && value <= 100,
};

export const notNegativeDuration: Rule<string> = {
  message: "must not be negative",
  test: (text) => (parseDurationMs(text) ?? 0) >= 0,
};

export const notEmpty: Rule<string> = { message: "must not be empty", test: (text) => text !== "" };

/** Some field must be set: an empty object says nothing, and hides a slip of indentation. */
export const notBlank: Rule<Record<string, unknown>> = {
  message: "at least one field must be set",
  test: (value) => Object.values(value).some((field) => field !== undefined),
};
