// `Warning` response headers (RFC 7234 §5.5), by which an API server tells the author of a request what it noticed.

/** Warnings of one answer that are read, and the longest text of one, characters. */
const countLimit = 128;
const textLimit = 2048;

/** The texts of the warnings with code 299, in order. Anything malformed ends the reading. */
export function readWarnings(header: string | undefined): string[] {
  const texts: string[] = [];
  const pattern = /\s*(\d{3}) (?:"[^"]*"|\S+) "((?:[^"\\]|\\.)*)"(?: "[^"]*")?\s*(?:,|$)/y;
  while (header !== undefined && pattern.lastIndex < header.length && texts.length < countLimit) {
    const match = pattern.exec(header);
    if (match === null) break;
    if (match[1] === "299") texts.push(latin1ToUtf8((match[2] ?? "").replace(/\\(.)/g, "$1")).slice(0, textLimit));
  }
  return texts;
}

/** Headers arrive as latin1; API servers write UTF-8 into them. */
function latin1ToUtf8(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}
