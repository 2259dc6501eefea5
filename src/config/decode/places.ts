// Where the parts of a decoded value stand in its text, so that a problem can name a line.
import type { PathSegment } from "../field-path.ts";

/** For each object and list of a value: the offset in the text of every key or item. */
export type Places = Map<object, ReadonlyMap<string, number> | readonly number[]>;

/** A value and the way back to its text. */
export interface DecodedText {
  value: unknown;
  /** 1-based line of the key or item at the path, or of the nearest part of the path that the text holds. */
  lineAt(path: readonly PathSegment[]): number;
}

/** Lines of a text: 1-based, counted from `firstLine`, which is where the text starts in its file. */
export interface TextLines {
  lineOf(offset: number): number;
}

export function textLines(text: string, firstLine: number): TextLines {
  let starts: number[] | undefined;
  return {
    lineOf(offset) {
      starts ??= findLineStarts(text);
      return firstLine + lineIndex(starts, offset);
    },
  };
}

/** `offset` is where the value itself starts. */
export function placedText(value: unknown, places: Places, lines: TextLines, offset: number): DecodedText {
  return { value, lineAt: (path) => lines.lineOf(offsetOf(value, places, path) ?? offset) };
}

function offsetOf(root: unknown, places: Places, path: readonly PathSegment[]): number | undefined {
  let value = root;
  let found: number | undefined;
  for (const segment of path) {
    if (value === null || typeof value !== "object") return found;
    const known = places.get(value);
    const offset = known instanceof Map ? known.get(String(segment)) : (known as readonly number[])?.[Number(segment)];
    if (offset === undefined) return found;
    found = offset;
    value = Object.hasOwn(value, segment) ? (value as Record<PathSegment, unknown>)[segment] : undefined;
  }
  return found;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** 0-based index of the last line that starts at or before the offset. */
function lineIndex(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
