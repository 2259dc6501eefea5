// The loggers of outbound listeners: the same for every proxy and every listener, so they are built once.
import type { AccessLog } from "../../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import { sourceTags } from "./labels.ts";
import { buildHttpStatsLogger, buildTcpStatsLoggers } from "./stats-logger.ts";

let http: AccessLog | undefined;
let tcp: readonly AccessLog[] | undefined;

export function sourceHttpLogger(): AccessLog {
  http ??= buildHttpStatsLogger(sourceTags(), "http");
  return http;
}

export function sourceTcpLoggers(): readonly AccessLog[] {
  tcp ??= buildTcpStatsLoggers(sourceTags());
  return tcp;
}
