// HTTP status codes that a proxy may answer with of its own.
import type { Rule } from "../schema.ts";

/** Envoy takes 200 to 599 here (envoy.config.route.v3.DirectResponseAction, FaultAbort). */
export const httpStatus: Rule<number> = {
  message: "must be an HTTP status between 200 and 599",
  test: (status) => status >= 200 && status <= 599,
};
