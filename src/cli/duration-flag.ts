// Durations on the command line: `30s`, `1h30m`, `7d`, or seconds without a unit.
import { InvalidArgumentError } from "commander";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds; undefined where the text is no duration. */
export function readDurationMs(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (text.length > 32 || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    total += Number(amount) * (unitMs[unit ?? ""] ?? 0);
  return total;
}

/** A flag's parser to milliseconds, for durations within the bounds; `advice` names them. */
export function durationFlag(lowestMs: number, highestMs: number, advice: string): (text: string) => number {
  return (text) => {
    const ms = readDurationMs(text);
    if (ms === undefined || ms < lowestMs || ms > highestMs) throw new InvalidArgumentError(advice);
    return ms;
  };
}
