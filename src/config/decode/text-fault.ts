// A stop while text is decoded: what is wrong, and at which offset.
import { quoted } from "../../kernel/quote.ts";
import { configCodes } from "../errors.ts";

export interface TextFault {
  code: string;
  message: string;
  remedy?: string;
  /** Offset in the document's text. */
  offset: number;
}

/** Unwinds a reader of text; never leaves this folder. */
export class TextStop {
  readonly fault: TextFault;
  constructor(fault: TextFault) {
    this.fault = fault;
  }
}

/** Nesting of maps and lists that configuration may have; Istio's deepest field is at 14. */
export const depthLimit = 64;

export function tooDeep(offset: number): TextFault {
  return { code: configCodes.tooLarge, message: `is nested deeper than ${depthLimit} levels`, offset };
}

export function syntaxFault(message: string, offset: number, remedy?: string): TextFault {
  return { code: configCodes.syntax, message, offset, ...(remedy === undefined ? {} : { remedy }) };
}

/**
 * Why a key cannot stand here, if it cannot. `__proto__` is no valid name anywhere in the API, and an object that took
 * it would change its own prototype.
 */
export function keyFault(key: string, taken: { has(key: string): boolean }, offset: number): TextFault | undefined {
  if (key === "__proto__") return syntaxFault('the key "__proto__" is not allowed', offset, "Remove it.");
  if (taken.has(key)) return syntaxFault(`the key ${quoted(key)} is given twice`, offset, "Remove one of the two.");
  return undefined;
}

/** Why a text cannot be kept, if it cannot: NUL ends strings in C, and half a surrogate pair has no UTF-8. */
export function stringFault(text: string, offset: number): TextFault | undefined {
  if (text.includes("\0")) return syntaxFault("a text must not hold a NUL character", offset);
  if (!text.isWellFormed()) return syntaxFault("a text must not hold half a surrogate pair", offset);
  return undefined;
}
