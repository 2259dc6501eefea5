// Where Envoy gets certificates: the agent's SDS, over the Unix socket.
import { create } from "@bufbuild/protobuf";
import {
  ApiConfigSource_ApiType as ApiType,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from "../../../gen/envoy/config/core/v3/config_source_pb.ts";
import { durationFromMs } from "../duration.ts";

/** Name of the bootstrap cluster that leads to the agent's SDS. */
const sdsCluster = "sds-grpc";
/** SDS name of the workload's own certificate; the agent takes it as an alias of the SPIFFE id. */
export const workloadCertificate = "default";
/** SDS name of the trusted roots. */
export const rootCertificates = "ROOTCA";

let cached: ConfigSource | undefined;

/** Waits for the secret without limit: a listener without its certificate must not open. */
export function sdsConfig(): ConfigSource {
  cached ??= create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    initialFetchTimeout: durationFromMs(0),
    configSourceSpecifier: {
      case: "apiConfigSource",
      value: {
        apiType: ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: sdsCluster } } }],
      },
    },
  });
  return cached;
}
