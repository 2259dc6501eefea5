// MeshConfig.meshMTLS.minProtocolVersion → envoy.extensions.transport_sockets.tls.v3.TlsParameters
import { create } from "@bufbuild/protobuf";
import {
  type TlsParameters,
  TlsParametersSchema,
  TlsParameters_TlsProtocol as TlsProtocol,
} from "../../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";

/** Istio's list for mesh traffic; it concerns TLS 1.2 only. */
const cipherSuites = [
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
];

export function buildTlsParameters(minimum: "TLSV1_2" | "TLSV1_3"): TlsParameters {
  return create(TlsParametersSchema, {
    tlsMinimumProtocolVersion: minimum === "TLSV1_3" ? TlsProtocol.TLSv1_3 : TlsProtocol.TLSv1_2,
    tlsMaximumProtocolVersion: TlsProtocol.TLSv1_3,
    cipherSuites,
  });
}
