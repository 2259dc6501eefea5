// How long connections go on after their listener is gone or was replaced.

/** Envoy's `--drain-time-s`, as Istio sets it, milliseconds: connections are told to go at once, and the last ones end then. */
export const drainTimeMs = 45_000;
