// A metric's labels as envoy.access_loggers.stats takes them.

/** Label name and Envoy format string, in the order Istio documents them. */
export type Tag = readonly [name: string, format: string];

/** Istio's word for a label it cannot fill. */
export const unknownLabel = "unknown";
