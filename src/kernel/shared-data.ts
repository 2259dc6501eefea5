// What is the same in a new version of plain data stays the same object, so that what was made of a part is found again by it.

/** `after`, with every part that equals the part of `before` at its place replaced by that; `before` itself where all does. */
export function sharedData<T>(before: unknown, after: T): T {
  if (Object.is(before, after)) return after;
  if (Array.isArray(after)) return Array.isArray(before) ? (sharedArray(before, after) as T) : after;
  if (!isPlain(after) || !isPlain(before)) return after;
  const keys = Object.keys(after);
  let isSame = keys.length === Object.keys(before).length;
  const shared: Record<string, unknown> = {};
  for (const key of keys) {
    const part = Object.hasOwn(before, key) ? sharedData(before[key], after[key]) : after[key];
    isSame &&= Object.hasOwn(before, key) && Object.is(part, before[key]);
    define(shared, key, part);
  }
  return (isSame ? before : shared) as T;
}

/** From both ends: an element more or less in the middle leaves the others what they were. */
function sharedArray(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  const shared = after.map((part, at) => (at < before.length ? sharedData(before[at], part) : part));
  if (before.length === after.length) return shared.every((part, at) => Object.is(part, before[at])) ? before : shared;
  for (let back = 1; back <= Math.min(before.length, after.length); back++) {
    const at = after.length - back;
    const part = sharedData(before[before.length - back], after[at]);
    if (!Object.is(part, before[before.length - back])) break;
    shared[at] = part;
  }
  return shared;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Also for the key `__proto__`, which an assignment would not set. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
