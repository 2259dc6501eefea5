// Where the reader of a regular expression stands.

/** Why RE2, or Envoy's limit on it, would refuse an expression. */
export type Re2Fault = "lookaround" | "backreference" | "repetition" | "tooLarge" | "syntax";

export interface Cursor {
  /** The text, by code points. */
  readonly chars: readonly string[];
  position: number;
  /** The first fault found; reading stops there. */
  fault: Re2Fault | undefined;
}
