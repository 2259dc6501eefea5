// gRPC status codes and how Lateen's errors become one (grpc/grpc doc/statuscodes.md, PROTOCOL-HTTP2 "Trailers").
import { LateenError } from "../kernel/error.ts";

export const grpcCodes = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** Where nothing is listed, the client asked for what it may not have in its present state. */
const codesByError: ReadonlyMap<string, number> = new Map([
  ["LAT2001", grpcCodes.invalidArgument],
  ["LAT2002", grpcCodes.invalidArgument],
  ["LAT2003", grpcCodes.resourceExhausted],
  ["LAT2004", grpcCodes.permissionDenied],
  ["LAT2005", grpcCodes.permissionDenied],
  ["LAT2101", grpcCodes.resourceExhausted],
  ["LAT2102", grpcCodes.unauthenticated],
  ["LAT2103", grpcCodes.unauthenticated],
  ["LAT2104", grpcCodes.deadlineExceeded],
  ["LAT2105", grpcCodes.unavailable],
  ["LAT2106", grpcCodes.unimplemented],
  ["LAT2107", grpcCodes.internal],
]);

/** What the client is told. Of an error that is not Lateen's own it learns nothing. */
export function grpcStatusOf(error: unknown): GrpcStatus {
  if (!(error instanceof LateenError)) return { code: grpcCodes.internal, message: "internal error" };
  return {
    code: codesByError.get(error.code) ?? grpcCodes.failedPrecondition,
    message: `${error.code} ${error.message}. ${error.remedy}`,
  };
}

/** Longest message in trailers, bytes before escaping: they must fit the peer's header list. */
const messageLimit = 1024;

/** `grpc-status` and `grpc-message`; the message percent-encoded where it is not printable ASCII. */
export function grpcTrailers(status: GrpcStatus): Record<string, string> {
  const trailers: Record<string, string> = { "grpc-status": String(status.code) };
  if (status.message === "") return trailers;
  let text = "";
  for (const byte of Buffer.from(status.message).subarray(0, messageLimit)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  trailers["grpc-message"] = text;
  return trailers;
}
