// An HTTP request as Envoy's matchers see it.

export interface HttpRequest {
  readonly method: string;
  /** Path and query, `/cart?item=1`. */
  readonly path: string;
  readonly authority: string;
  /** `http` where absent. */
  readonly scheme?: string;
  /** By name in any case; several values of one header are joined by a comma. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Headers by lower-case name, pseudo-headers included. */
export type HeaderMap = ReadonlyMap<string, string>;

export function headersOf(request: HttpRequest): HeaderMap {
  const headers = new Map(Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  headers.set(":method", request.method);
  headers.set(":path", request.path);
  headers.set(":authority", request.authority);
  headers.set(":scheme", request.scheme ?? "http");
  return headers;
}
