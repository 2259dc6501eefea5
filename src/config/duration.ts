// Go's and protobuf's spelling of durations, as Istio's fields take them.
import { type FieldOptions, type Rule, string } from "./schema.ts";

const unitMs: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Longest duration protobuf allows (google.protobuf.Duration), milliseconds. */
const longestMs = 315_576_000_000 * 1000;

/**
 * Milliseconds of a duration such as `5s`, `1m30s`, `0.5s` or `250ms` (Go's time.ParseDuration).
 *
 * @returns undefined where the text is not a duration or beyond google.protobuf.Duration
 */
export function parseDurationMs(text: string): number | undefined {
  if (text.length > 64) return undefined;
  if (text === "0") return 0;
  const match = /^([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (match === null) return undefined;
  let total = 0;
  for (const part of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(part[1]) * (unitMs[part[2] ?? ""] ?? Number.NaN);
  }
  if (!(total <= longestMs)) return undefined;
  return text.startsWith("-") ? -total : total;
}

const wellFormed: Rule<string> = {
  message: "must be a duration such as 250ms, 5s or 1m30s",
  test: (text) => parseDurationMs(text) !== undefined,
};

const atLeastOneMs: Rule<string> = {
  message: "must be a duration of 1ms or more",
  test: (text) => (parseDurationMs(text) ?? 1) >= 1,
};

/** A duration; `positive` asks for 1 ms or more, as most of Istio's fields do. */
export function duration(options: FieldOptions & { positive?: boolean } = {}) {
  const { positive = false, ...rest } = options;
  return string({ ...rest, rules: [wellFormed, ...(positive ? [atLeastOneMs] : []), ...(rest.rules ?? [])] });
}
