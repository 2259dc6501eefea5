// Istio's standard metrics as envoy.extensions.access_loggers.stats.v3.Config.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type AccessLog, AccessLogSchema } from "../../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import { AccessLogType } from "../../../gen/envoy/data/accesslog/v3/accesslog_pb.ts";
import {
  ConfigSchema,
  Config_Histogram_Unit as Unit,
} from "../../../gen/envoy/extensions/access_loggers/stats/v3/stats_pb.ts";
import { packAny } from "../any.ts";
import { type Tag, unknownLabel } from "./tag.ts";

/**
 * Prefix of the scope. Envoy shows the metrics as `envoy_istiocustom_istio_…`; the agent takes the prefix off, so that a
 * scraper sees Istio's names.
 */
export const statsPrefix = "istiocustom";

/** Series that one logger keeps of each kind; further label sets are dropped. */
const seriesLimit = 2000;

type Config = MessageInitShape<typeof ConfigSchema>;

// No sharing_name: Envoy 1.40 dereferences a null pointer at shutdown when a shared scope outlives its store.
const scope: Config["statsScope"] = {
  prefix: statsPrefix,
  maxCounters: seriesLimit,
  maxHistograms: seriesLimit,
};

/** `istio_requests_total`, `istio_request_duration_milliseconds`, `istio_request_bytes`, `istio_response_bytes`. */
export function buildHttpStatsLogger(tags: readonly Tag[], protocol: "http" | "grpc"): AccessLog {
  const all = tagList([
    ...tags,
    ["request_protocol", protocol],
    ["response_code", "%RESPONSE_CODE%"],
    ["grpc_response_status", "%GRPC_STATUS_NUMBER%"],
    ["response_flags", "%RESPONSE_FLAGS%"],
  ]);
  return logger(
    {
      statsScope: scope,
      counters: [{ stat: { name: "istio_requests_total", tags: all }, valueFixed: 1n }],
      histograms: [
        {
          stat: { name: "istio_request_duration_milliseconds", tags: all },
          unit: Unit.Milliseconds,
          valueFormat: "%DURATION%",
        },
        {
          stat: { name: "istio_request_bytes", tags: all },
          unit: Unit.Bytes,
          valueFormat: "%DOWNSTREAM_WIRE_BYTES_RECEIVED%",
        },
        {
          stat: { name: "istio_response_bytes", tags: all },
          unit: Unit.Bytes,
          valueFormat: "%DOWNSTREAM_WIRE_BYTES_SENT%",
        },
      ],
    },
    undefined,
  );
}

/** `istio_tcp_connections_opened_total`, `…_closed_total`, `istio_tcp_sent_bytes_total`, `istio_tcp_received_bytes_total`. */
export function buildTcpStatsLoggers(tags: readonly Tag[]): AccessLog[] {
  const all = tagList([...tags, ["request_protocol", "tcp"], ["response_flags", "%RESPONSE_FLAGS%"]]);
  const counter = (name: string, value: { valueFixed: bigint } | { valueFormat: string }) => ({
    stat: { name, tags: all },
    ...value,
  });
  return [
    logger(
      { statsScope: scope, counters: [counter("istio_tcp_connections_opened_total", { valueFixed: 1n })] },
      AccessLogType.TcpUpstreamConnected,
    ),
    logger(
      {
        statsScope: scope,
        counters: [
          counter("istio_tcp_connections_closed_total", { valueFixed: 1n }),
          counter("istio_tcp_sent_bytes_total", { valueFormat: "%BYTES_SENT%" }),
          counter("istio_tcp_received_bytes_total", { valueFormat: "%BYTES_RECEIVED%" }),
        ],
      },
      AccessLogType.TcpConnectionEnd,
    ),
  ];
}

function tagList(tags: readonly Tag[]) {
  // Envoy refuses an empty format, and with it the whole listener.
  return tags.map(([name, valueFormat]) => ({ name, valueFormat: valueFormat === "" ? unknownLabel : valueFormat }));
}

function logger(config: Config, type: AccessLogType | undefined): AccessLog {
  return create(AccessLogSchema, {
    name: "envoy.access_loggers.stats",
    configType: { case: "typedConfig", value: packAny(ConfigSchema, config) },
    ...(type === undefined
      ? {}
      : { filter: { filterSpecifier: { case: "logTypeFilter" as const, value: { types: [type] } } } }),
  });
}
