// One page below /debug: what it is called, what it is for, and what it shows.

export interface DebugRequest {
  /** Rest of the path after the page's name; empty for the page itself. */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** Aborted when the client is gone or the control plane stops. */
  readonly signal: AbortSignal;
}

export interface DebugPage {
  /** Below `/debug/`: `syncz`. */
  readonly name: string;
  /** One line for the index. */
  readonly help: string;
  /** What may follow, for the index: `/{name}`, `?proxyID=NAME`. */
  readonly usage?: string;
  /** The page as JSON, or a JsonStream where it may be long; undefined where what `rest` or the query names is not there. */
  readonly show: (request: DebugRequest) => unknown;
  /** A drawing above the tables, for browsers: markup of SVG, made of numbers alone. */
  readonly draw?: (shown: unknown) => string;
}
