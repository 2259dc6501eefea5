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
    if (match[1] === "299") texts.push(fromHeader((match[2] ?? "").replace(/\\(.)/g, "$1")).slice(0, textLimit));
  }
  return texts;
}

/** Node reads headers as latin1; Go's servers write UTF-8 into them, Node's latin1. */
function fromHeader(text: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(text, "latin1"));
  } catch {
    return text;
  }
}
