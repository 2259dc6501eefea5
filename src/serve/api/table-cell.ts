// Cells of a Table: what a printer column shows of an object.

/** A value of an object by a column's path, such as `.spec.hosts` or `.spec.servers[0].port.name`. */
export function valueAtPath(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const [, name, quoted, index] of path.matchAll(/\.([A-Za-z0-9_-]+)|\['([^']+)'\]|\[(\d+)\]/g)) {
    if (value === null || typeof value !== "object") return undefined;
    const key = name ?? quoted ?? index ?? "";
    value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

/** The cell in the type that the column states; objects and lists as JSON, as API servers print them. */
export function tableCell(type: string, value: unknown, nowMs: number): unknown {
  if (value === undefined || value === null) return type === "date" ? "<unknown>" : null;
  if (type === "date") {
    const time = Date.parse(String(value));
    return Number.isNaN(time) ? "<unknown>" : formatAge(nowMs - time);
  }
  if (type === "integer" || type === "number") return typeof value === "number" ? value : null;
  if (type === "boolean") return typeof value === "boolean" ? value : null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** A duration as kubectl prints ages: two units while small, then one. */
export function formatAge(ms: number): string {
  if (ms < 0) return "0s";
  const pair = (unit: number, sign: string, part: number, partSign: string): string => {
    const rest = Math.floor((ms % unit) / part);
    return `${Math.floor(ms / unit)}${sign}${rest === 0 ? "" : `${rest}${partSign}`}`;
  };
  if (ms < 2 * minute) return `${Math.floor(ms / second)}s`;
  if (ms < 10 * minute) return pair(minute, "m", second, "s");
  if (ms < 3 * hour) return `${Math.floor(ms / minute)}m`;
  if (ms < 8 * hour) return pair(hour, "h", minute, "m");
  if (ms < 2 * day) return `${Math.floor(ms / hour)}h`;
  if (ms < 8 * day) return pair(day, "d", hour, "h");
  if (ms < 2 * year) return `${Math.floor(ms / day)}d`;
  if (ms < 8 * year) return pair(year, "y", day, "d");
  return `${Math.floor(ms / year)}y`;
}
