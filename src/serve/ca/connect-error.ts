// Lateen's errors as gRPC statuses of the CA and join services, with Istio's codes where it has the case.
import { Code, ConnectError } from "@connectrpc/connect";
import { describeError, LateenError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import { grpcStatusOf } from "../grpc-status.ts";

const codes: ReadonlyMap<string, Code> = new Map([
  ["LAT3001", Code.InvalidArgument],
  ["LAT3002", Code.InvalidArgument],
  ["LAT3003", Code.InvalidArgument],
  ["LAT3004", Code.InvalidArgument],
  ["LAT3005", Code.InvalidArgument],
  ["LAT3006", Code.InvalidArgument],
  ["LAT3103", Code.Unavailable],
  ["LAT3104", Code.InvalidArgument],
  ["LAT3105", Code.InvalidArgument],
  ["LAT3106", Code.PermissionDenied],
  ["LAT3107", Code.Unauthenticated],
  ["LAT3108", Code.ResourceExhausted],
  ["LAT3201", Code.Unauthenticated],
  ["LAT3202", Code.FailedPrecondition],
  ["LAT3203", Code.InvalidArgument],
  ["LAT3204", Code.PermissionDenied],
  ["LAT3205", Code.Unavailable],
  ["LAT3206", Code.ResourceExhausted],
  ["LAT5002", Code.Unavailable],
  ["LAT5003", Code.Unavailable],
  ["LAT5008", Code.Unavailable],
  ["LAT5009", Code.Unavailable],
]);

/** Runs a call; what it throws becomes a status. A defect is logged, and the caller learns nothing of it. */
export async function answering<T>(log: Log, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof LateenError) log.debug("refused a call", { code: error.code, reason: error.message });
    else log.error("a call failed", { error: describeError(error) });
    const { code, message } = grpcStatusOf(error);
    throw new ConnectError(message, (error instanceof LateenError ? codes.get(error.code) : undefined) ?? code);
  }
}
