// Keeps web pages from using the API with a person's credentials: DNS rebinding and requests of other origins.
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { StatusError } from "./status-error.ts";

/**
 * @param names host names under which the API is reached, lower case; addresses are always fine, because only a name can
 * be pointed elsewhere
 * @throws StatusError 403
 */
export function guardAgainstPages(headers: IncomingHttpHeaders, names: ReadonlySet<string>): void {
  const host = hostOf(headers.host ?? "");
  if (host === undefined || (isIP(host) === 0 && !names.has(host))) {
    throw new StatusError("forbidden", "the Host header names another server");
  }
  const { origin } = headers;
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === headers.host)) {
    throw new StatusError("forbidden", "requests of other origins are not allowed");
  }
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    throw new StatusError("forbidden", "requests of other sites are not allowed");
  }
}

/** The host without port and brackets. */
function hostOf(header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}
