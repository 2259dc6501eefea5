// Durations as kubectl's AGE column prints them: two units at most, the finer one only while it matters.

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Seconds → `95s`, `4m10s`, `37m`, `5h20m`, `30h`, `5d3h`, `100d`, `3y20d`, `9y`. */
export function formatAge(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 2 * minute) return `${s}s`;
  if (s < 10 * minute) return two(s, minute, "m", 1, "s");
  if (s < 3 * hour) return `${Math.floor(s / minute)}m`;
  if (s < 8 * hour) return two(s, hour, "h", minute, "m");
  if (s < 2 * day) return `${Math.floor(s / hour)}h`;
  if (s < 8 * day) return two(s, day, "d", hour, "h");
  if (s < 2 * year) return `${Math.floor(s / day)}d`;
  if (s < 8 * year) return two(s, year, "y", day, "d");
  return `${Math.floor(s / year)}y`;
}

function two(seconds: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % big) / small);
  return `${Math.floor(seconds / big)}${bigUnit}${rest === 0 ? "" : `${rest}${smallUnit}`}`;
}

/** Age of an RFC 3339 time; `<unknown>` where there is none. */
export function ageOf(timestamp: string | undefined, nowMs: number): string {
  const then = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(then) ? "<unknown>" : formatAge((nowMs - then) / 1000);
}
