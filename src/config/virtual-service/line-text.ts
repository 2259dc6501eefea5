// Text that Envoy writes into a header or a path: it takes no end of a line there.

import { type At, broken, type Report } from "./finding.ts";
import type { HttpRedirect } from "./http-redirect.ts";
import type { HttpRewrite } from "./http-rewrite.ts";

interface Texts {
  readonly rewrite?: HttpRewrite | undefined;
  readonly redirect?: HttpRedirect | undefined;
}

/** True for text without line breaks and NUL (Envoy's well-known pattern HTTP_HEADER_VALUE, not strict). */
export function isLineText(text: string): boolean {
  return !/[\0\r\n]/.test(text);
}

/** Envoy refuses all routes of a port for one such text. */
export function checkLineTexts({ rewrite, redirect }: Texts, at: At, report: Report): void {
  const check = (text: string | undefined, ...here: string[]): void => {
    if (text === undefined || isLineText(text)) return;
    report(broken([...at, ...here], "must not hold line breaks or NUL", "Remove them, or write them percent-encoded."));
  };
  check(rewrite?.uri, "rewrite", "uri");
  check(rewrite?.authority, "rewrite", "authority");
  check(rewrite?.uriRegexRewrite?.rewrite, "rewrite", "uriRegexRewrite", "rewrite");
  check(redirect?.uri, "redirect", "uri");
  check(redirect?.prefixRewrite, "redirect", "prefixRewrite");
  check(redirect?.authority, "redirect", "authority");
}
