// Text that was cut out of a longer one.

/** Shorter pieces are copies already (V8's SlicedString::kMinLength). */
const shortestSlice = 13;

/** The same text, which keeps nothing else in memory: a piece of a text holds the whole of it as long as it lives. */
export function ownText(text: string): string {
  return text.length < shortestSlice ? text : (JSON.parse(JSON.stringify(text)) as string);
}
