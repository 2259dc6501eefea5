// Routes beside the Kubernetes-shaped ones, handed in by whoever has the data: proxies, tokens, machines.
import type { Readable } from "node:stream";
import type { ApiIdentity } from "./api-identity.ts";

export interface ExtraRequest {
  method: string;
  /** Values of the names in the pattern, decoded; a last one with `*` holds the rest of the path. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** As sent, without `?`. */
  rawQuery: string;
  /** The body as JSON; rejects where it is none or over the limits. */
  json(): Promise<unknown>;
  identity: ApiIdentity;
  /** The header; empty where there is none. */
  accept: string;
  /** The connection comes from this host. */
  isLocal: boolean;
  /** Aborted when the client is gone or the control plane stops. */
  signal: AbortSignal;
}

/** Sent as JSON, or as it is where `contentType` is given; a stream as fast as the client takes it. */
export type ExtraReply =
  | { code?: number; body: unknown }
  | { code?: number; text: string; contentType: string }
  | { code?: number; stream: Readable; contentType: string };

/** @throws LateenError what `extraStatus` of the handler knows is said to the client; anything else is a defect */
export type ExtraHandler = (request: ExtraRequest) => Promise<ExtraReply>;

export interface ExtraRoute {
  method: "GET" | "POST" | "DELETE";
  /** `/lateen/v1/namespaces/{namespace}/machines/{name}/envoy/{what*}` */
  path: string;
  handler: ExtraHandler;
}

/** The parameters of a path that fits the pattern, or undefined. */
export function matchPattern(pattern: string, segments: readonly string[]): Record<string, string> | undefined {
  const parts = pattern.split("/").slice(1);
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const [, name, rest] = /^\{(\w+)(\*?)\}$/.exec(part) ?? [];
    const segment = segments[index];
    if (segment === undefined) return undefined;
    if (name === undefined) {
      if (part !== segment) return undefined;
    } else if (rest === "*") {
      params[name] = segments.slice(index).join("/");
      return params;
    } else params[name] = segment;
  }
  return parts.length === segments.length ? params : undefined;
}
