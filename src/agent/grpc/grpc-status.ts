// gRPC's status codes that the agent sends or reads (gRPC "Status codes and their use").
export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export type GrpcStatus = (typeof grpcStatus)[keyof typeof grpcStatus];

/** How a call ended, seen from here. */
export interface GrpcEnd {
  /** A status code; `unavailable` where the connection broke before one came. */
  status: number;
  /** The other side's message, at most 1 KiB; empty if none. */
  message: string;
}

/** Longest status message that is kept, characters. */
const messageLimit = 1024;

/** Reads `grpc-message`, which is percent-encoded; text that is not stays as it is. */
export function readStatusMessage(header: unknown): string {
  if (typeof header !== "string") return "";
  const text = header.slice(0, messageLimit);
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Writes `grpc-message`: printable ASCII but `%` as it is, everything else percent-encoded. */
export function writeStatusMessage(text: string): string {
  return encodeURIComponent(text.slice(0, messageLimit).toWellFormed()).replaceAll("%20", " ");
}
