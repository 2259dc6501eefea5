// How an answer came about, one decision after the other.

export interface Step {
  /** What was decided, in Envoy's words. */
  readonly at:
    | "name"
    | "listener"
    | "filter chain"
    | "filter"
    | "route configuration"
    | "virtual host"
    | "route"
    | "cluster"
    | "endpoints";
  /** What was chosen. */
  readonly name: string;
  readonly because: string;
}
