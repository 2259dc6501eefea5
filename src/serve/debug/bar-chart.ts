// A bar chart as inline SVG: no scripts, no styles, numbers and times alone.

export interface Bar {
  /** Wall clock, milliseconds. */
  readonly atMs: number;
  readonly value: number;
}

const width = 900;
const height = 160;
const margin = 40;

/** Values over time; the newest is at the right. */
export function barChart(bars: readonly Bar[], unit: string): string {
  if (bars.length === 0) return "";
  const times = bars.map((bar) => bar.atMs);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const most = Math.max(...bars.map((bar) => bar.value), 1);
  const x = (atMs: number): number => margin + ((atMs - first) / Math.max(1, last - first)) * (width - 2 * margin);
  const drawn = bars.map(({ atMs, value }) => {
    const tall = (value / most) * (height - 2 * margin);
    return `<rect x="${x(atMs).toFixed(1)}" y="${(height - margin - tall).toFixed(1)}" width="3" height="${tall.toFixed(1)}" fill="steelblue"/>`;
  });
  const label = (at: number, y: number, text: string): string =>
    `<text x="${at}" y="${y}" font-size="11">${text}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" role="img">`,
    `<line x1="${margin}" y1="${height - margin}" x2="${width - margin}" y2="${height - margin}" stroke="black"/>`,
    ...drawn,
    label(4, margin, `${Math.round(most)} ${unit}`),
    label(margin, height - 15, new Date(first).toISOString()),
    label(width - margin - 150, height - 15, new Date(last).toISOString()),
    "</svg>",
  ].join("\n");
}
