// Columns as kubectl and istioctl print them.
import { printableLine } from "./printable.ts";

export interface TableLayout {
  /** Spaces between columns: kubectl 3, istioctl 5. */
  gap: number;
  /** Narrowest column with its gap, characters: kubectl 6, istioctl 0. */
  minWidth?: number;
}

export const kubectlLayout: TableLayout = { gap: 3, minWidth: 6 };
export const istioctlLayout: TableLayout = { gap: 5 };

/** Longest cell that is printed whole, characters. */
const cellLimit = 4096;

/**
 * Lines of a table, without trailing spaces.
 *
 * @param rows cells as text; missing ones are empty
 * @param widths column widths of an earlier part of the same table; grown in place
 */
export function tableLines(rows: readonly (readonly string[])[], layout: TableLayout, widths: number[] = []): string[] {
  const cells = rows.map((row) => row.map(cell));
  for (const row of cells) {
    for (const [index, text] of row.entries()) {
      const width = Math.max(layout.minWidth ?? 0, columnsOf(text) + layout.gap);
      widths[index] = Math.max(widths[index] ?? 0, width);
    }
  }
  return cells.map((row) =>
    row
      .map((text, index) => pad(text, widths[index] ?? 0))
      .join("")
      .trimEnd(),
  );
}

function cell(text: string): string {
  const line = printableLine(text);
  return line.length > cellLimit ? `${line.slice(0, cellLimit)}…` : line;
}

function columnsOf(text: string): number {
  return [...text].length;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - columnsOf(text)));
}
