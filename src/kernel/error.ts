// The base of every error Lateen raises: a stable code, one sentence, and where an operator can act, a remedy.

/** One documented kind of error; `docs/errors.md` is made from these. */
export interface ErrorKind {
  /** `LAT1xxx` config, `2xxx` xDS, `3xxx` identity, `4xxx` machine and capture, `5xxx` store and API, `9xxx` usage. */
  readonly code: string;
  /** What went wrong, for the reference page. */
  readonly meaning: string;
  /** What to do about it; shown with the message unless the raiser knows better. */
  readonly remedy: string;
}

export class LateenError extends Error {
  override readonly name = "LateenError";
  readonly code: string;
  readonly remedy: string;

  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; remedy?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = kind.code;
    this.remedy = options.remedy ?? kind.remedy;
  }
}

/** Makes one error of a kind. `remedy` replaces the kind's own where the raiser can be more exact. */
export type ErrorMaker = (message: string, options?: { cause?: unknown; remedy?: string }) => LateenError;

const known = new Map<string, ErrorKind>();

/**
 * Declares the errors of one folder, in its `errors.ts`.
 *
 * @throws TypeError where two kinds share a code
 */
export function defineErrors<const T extends Record<string, ErrorKind>>(
  kinds: T,
): { readonly [K in keyof T]: ErrorMaker } {
  const makers: Record<string, ErrorMaker> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    if (known.has(kind.code)) throw new TypeError(`error code ${kind.code} is defined twice`);
    known.set(kind.code, kind);
    makers[name] = (message, options) => new LateenError(kind, message, options);
  }
  return makers as { [K in keyof T]: ErrorMaker };
}

/** Every kind declared by the modules loaded so far, by code. */
export function definedErrors(): ErrorKind[] {
  return [...known.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** The message of anything that was thrown, with the messages of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `: ${describeError(error.cause)}`;
  return `${error.message}${cause}`;
}
