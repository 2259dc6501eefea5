// What a composition root gets from the process.

export interface CommandContext {
  readonly version: string;
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}
