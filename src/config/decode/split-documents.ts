// Cuts a YAML stream into its documents, so that a broken one does not take the others with it.

export interface DocumentText {
  /** The document with its marker, directives and leading comments. */
  text: string;
  /** 1-based line of `text` in the stream. */
  line: number;
}

// YAML 1.2.2 §9.1.2: these at the start of a line end a document wherever they stand, also inside a quoted scalar.
const markers = /(?:^|\n)(---|\.\.\.)(?=[ \t\r\n]|$)/g;

/**
 * The documents of a YAML stream that hold anything. A slice that is equal to an earlier one decodes to equal objects,
 * so a source can decode again only what changed.
 */
export function splitDocuments(text: string): DocumentText[] {
  const documents: DocumentText[] = [];
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  let startLine = 1;
  let marked = false;
  const cut = (end: number): void => {
    const slice = text.slice(start, end);
    if (holdsContent(slice)) documents.push({ text: slice, line: startLine });
    startLine += countNewlines(slice);
    start = end;
  };
  for (const match of text.matchAll(markers)) {
    const at = match.index + match[0].length - 3;
    if (match[1] === "...") {
      const newline = text.indexOf("\n", at);
      cut(newline === -1 ? text.length : newline + 1);
      marked = false;
    } else {
      // Directives and comments before the first marker belong to the document that it opens.
      if (marked || holdsContent(text.slice(start, at))) cut(at);
      marked = true;
    }
  }
  cut(text.length);
  return documents;
}

/** False for blank lines, comments, directives and bare markers. */
function holdsContent(text: string): boolean {
  let at = 0;
  while (at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline;
    if (!/^(?:(?:---|\.\.\.)(?=[ \t\r]|$))?[ \t\r\uFEFF]*(?:#|$)|^%/.test(text.slice(at, end))) return true;
    at = end + 1;
  }
  return false;
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
