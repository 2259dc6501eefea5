// Pages for a browser, without scripts and styles: an index, and JSON as tables.
import { type Fields, isFields } from "../../kernel/fields.ts";

/** Rows of one table, and nesting of tables. */
const rowLimit = 1_000;
const depthLimit = 4;

export function htmlPage(title: string, body: string): string {
  return `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>\n<body>\n<h1>${escapeHtml(title)}</h1>\n${body}\n</body>\n</html>\n`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Lists of maps become tables with a column for each key, maps tables of two columns. */
export function htmlValue(value: unknown, depth = 0): string {
  if (Array.isArray(value)) return htmlList(value, depth);
  if (isFields(value)) return htmlMap(value, depth);
  return escapeHtml(value === undefined || value === null ? "" : String(value));
}

function htmlList(list: readonly unknown[], depth: number): string {
  if (list.length === 0) return "";
  if (depth >= depthLimit) return escapeHtml(JSON.stringify(list));
  const shown = list.slice(0, rowLimit);
  const more = list.length > shown.length ? `<p>${list.length - shown.length} more are in the JSON.</p>` : "";
  if (!shown.every(isFields)) return shown.map((item) => htmlValue(item, depth + 1)).join("<br>") + more;
  const keys = [...new Set(shown.flatMap((row) => Object.keys(row)))];
  const head = keys.map((key) => `<th align="left">${escapeHtml(key)}</th>`).join("");
  const rows = shown.map(
    (row) =>
      `<tr>${keys.map((key) => `<td valign="top">${htmlValue((row as Fields)[key], depth + 1)}</td>`).join("")}</tr>`,
  );
  return `<table border="1" cellspacing="0" cellpadding="3">\n<tr>${head}</tr>\n${rows.join("\n")}\n</table>${more}`;
}

function htmlMap(map: Readonly<Record<string, unknown>>, depth: number): string {
  if (depth >= depthLimit) return escapeHtml(JSON.stringify(map));
  const rows = Object.entries(map)
    .slice(0, rowLimit)
    .map(
      ([key, value]) =>
        `<tr><th align="left" valign="top">${escapeHtml(key)}</th><td>${htmlValue(value, depth + 1)}</td></tr>`,
    );
  return `<table border="1" cellspacing="0" cellpadding="3">\n${rows.join("\n")}\n</table>`;
}
