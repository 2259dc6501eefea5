// Names of HTTP headers, as far as Envoy takes them.
import type { Rule } from "../schema.ts";

/** Longest header name Envoy takes, bytes (envoy.config.core.v3.HeaderValue). */
const longestBytes = 16384;

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** True for an RFC 9110 field name (section 5.1): a token. */
export function isHeaderName(name: string): boolean {
  return name.length <= longestBytes && token.test(name);
}

/** The pseudo-headers of a request (RFC 9113 section 8.3.1). */
const requestPseudoHeaders = [":authority", ":method", ":path", ":scheme"];

export function isRequestPseudoHeader(name: string): boolean {
  return requestPseudoHeaders.includes(name.toLowerCase());
}

/** True for the names that stand for the request's authority. */
export function isAuthorityHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === ":authority" || lower === "host";
}

export const headerName: Rule<string> = {
  message: "must be the name of an HTTP header",
  test: isHeaderName,
};

export const headerNames: Rule<Record<string, unknown>> = {
  message: "keys must be names of HTTP headers",
  test: (headers) => Object.keys(headers).every(isHeaderName),
};
