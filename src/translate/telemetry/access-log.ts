// MeshConfig.accessLogFile, MeshConfig.accessLogFormat, MeshConfig.accessLogEncoding → envoy.extensions.access_loggers.file.v3.FileAccessLog

import { create, type JsonObject } from "@bufbuild/protobuf";
import { type AccessLog, AccessLogSchema } from "../../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import { AccessLogType } from "../../../gen/envoy/data/accesslog/v3/accesslog_pb.ts";
import { FileAccessLogSchema } from "../../../gen/envoy/extensions/access_loggers/file/v3/file_pb.ts";
import { isFields } from "../../kernel/fields.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import { packAny } from "../any.ts";

/** Operators of Istio's default formats, by the names its JSON format gives them, in the order of its text format. */
const fields: readonly (readonly [name: string, operator: string])[] = [
  ["start_time", "%START_TIME%"],
  ["method", "%REQ(:METHOD)%"],
  ["path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"],
  ["protocol", "%PROTOCOL%"],
  ["response_code", "%RESPONSE_CODE%"],
  ["response_flags", "%RESPONSE_FLAGS%"],
  ["response_code_details", "%RESPONSE_CODE_DETAILS%"],
  ["connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"],
  ["upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"],
  ["bytes_received", "%BYTES_RECEIVED%"],
  ["bytes_sent", "%BYTES_SENT%"],
  ["duration", "%DURATION%"],
  ["upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"],
  ["x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"],
  ["user_agent", "%REQ(USER-AGENT)%"],
  ["request_id", "%REQ(X-REQUEST-ID)%"],
  ["authority", "%REQ(:AUTHORITY)%"],
  ["upstream_host", "%UPSTREAM_HOST%"],
  ["upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"],
  ["upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"],
  ["downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"],
  ["downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"],
  ["requested_server_name", "%REQUESTED_SERVER_NAME%"],
  ["route_name", "%ROUTE_NAME%"],
];

/** Fields that the text format puts in quotes because a client can put spaces there. */
const quoted: ReadonlySet<string> = new Set([
  "upstream_transport_failure_reason",
  "x_forwarded_for",
  "user_agent",
  "request_id",
  "authority",
  "upstream_host",
]);

function textFormat(): string {
  const words: string[] = [];
  for (const [name, operator] of fields) {
    if (name === "start_time") words.push(`[${operator}]`);
    else if (name === "method") words.push(`"${operator}`);
    else if (name === "path") words.push(operator);
    else if (name === "protocol") words.push(`${operator}"`);
    else words.push(quoted.has(name) ? `"${operator}"` : operator);
  }
  return `${words.join(" ")}\n`;
}

/**
 * Empty where MeshConfig names no file.
 *
 * @param kind `tcp`: a line when the connection ends; its loggers are also told when it is opened, for the metrics
 */
export function buildFileAccessLog(mesh: MeshSettings, kind: "http" | "tcp"): AccessLog[] {
  if (mesh.accessLogFile === "") return [];
  return [
    create(AccessLogSchema, {
      name: "envoy.access_loggers.file",
      ...(kind === "tcp"
        ? {
            filter: {
              filterSpecifier: { case: "logTypeFilter" as const, value: { types: [AccessLogType.TcpConnectionEnd] } },
            },
          }
        : {}),
      configType: {
        case: "typedConfig",
        value: packAny(FileAccessLogSchema, {
          path: mesh.accessLogFile,
          accessLogFormat: { case: "logFormat", value: { format: formatOf(mesh) } },
        }),
      },
    }),
  ];
}

/** Undefined where the text is not a JSON object: a slip in the format must not cost every proxy its listeners. */
function parsedFormat(text: string): JsonObject | undefined {
  if (text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function formatOf(mesh: MeshSettings) {
  if (mesh.accessLogEncoding === "JSON") {
    return { case: "jsonFormat", value: parsedFormat(mesh.accessLogFormat) ?? Object.fromEntries(fields) } as const;
  }
  const inlineString = mesh.accessLogFormat === "" ? textFormat() : mesh.accessLogFormat;
  return { case: "textFormatSource", value: { specifier: { case: "inlineString", value: inlineString } } } as const;
}
