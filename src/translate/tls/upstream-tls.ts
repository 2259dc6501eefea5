// DestinationRule.spec.trafficPolicy.tls, MeshConfig.enableAutoMtls → envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
// WorkloadEntry.spec.serviceAccount, ServiceEntry.spec.subjectAltNames, MeshConfig.trustDomain, MeshConfig.trustDomainAliases → envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.match_typed_subject_alt_names
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type TransportSocket, TransportSocketSchema } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { ClusterTls, ClusterView } from "../../model/cluster-view.ts";
import { isHttp } from "../../model/protocol.ts";
import { packAny } from "../any.ts";
import { buildTlsParameters } from "./parameters.ts";
import { exactSan } from "./san-matcher.ts";
import { rootCertificates, sdsConfig, workloadCertificate } from "./sds-config.ts";

/** Trusted roots of the machine, where a DestinationRule asks for TLS to the outside without naming any. */
const systemRoots = "/etc/ssl/certs/ca-certificates.crt";

/**
 * ALPN that tells an Istio sidecar which kind of connection this is, with the real protocol behind it. Istio sets it per
 * request; a port's protocol is stated here, so it belongs to the cluster.
 */
function meshAlpn(view: ClusterView): string[] {
  // The client's protocol may be either, and naming one would let the server hold the connection to it: it finds out itself.
  if (view.policy.connectionPool?.http?.useClientProtocol === true && isHttp(view.protocol)) return ["istio"];
  if (view.http2) return ["istio-h2", "istio", "h2"];
  return isHttp(view.protocol) ? ["istio-http/1.1", "istio", "http/1.1"] : ["istio"];
}

/** Mutual TLS between workloads: certificate and roots come from the agent. */
export function buildMeshTls(view: ClusterView, tls: ClusterTls & { mode: "auto" | "istio-mutual" }): TransportSocket {
  return transportSocket({
    sni: tls.sni,
    commonTlsContext: {
      tlsParams: buildTlsParameters(view.minTlsVersion),
      alpnProtocols: meshAlpn(view),
      tlsCertificateSdsSecretConfigs: [{ name: workloadCertificate, sdsConfig: sdsConfig() }],
      validationContextType: {
        case: "combinedValidationContext",
        value: {
          defaultValidationContext: { matchTypedSubjectAltNames: tls.sans.map(exactSan) },
          validationContextSdsSecretConfig: { name: rootCertificates, sdsConfig: sdsConfig() },
        },
      },
    },
  });
}

/** TLS as a DestinationRule's SIMPLE or MUTUAL describes it, with files of the machine. */
export function buildOriginatedTls(
  view: ClusterView,
  tls: ClusterTls & { mode: "simple" | "mutual" },
): TransportSocket {
  const common: MessageInitShape<typeof CommonTlsContextSchema> = {
    tlsParams: buildTlsParameters("TLSV1_2"),
    alpnProtocols: originatedAlpn(view),
    tlsCertificates:
      tls.mode === "mutual"
        ? [
            {
              certificateChain: { specifier: { case: "filename", value: tls.clientCertificate ?? "" } },
              privateKey: { specifier: { case: "filename", value: tls.privateKey ?? "" } },
            },
          ]
        : [],
  };
  if (!tls.insecureSkipVerify) {
    common.validationContextType = {
      case: "validationContext",
      value: {
        trustedCa: { specifier: { case: "filename", value: tls.caCertificates ?? systemRoots } },
        matchTypedSubjectAltNames: (tls.sans.length > 0 ? tls.sans : tls.sni === undefined ? [] : [tls.sni]).map(
          exactSan,
        ),
      },
    };
  }
  return transportSocket({ sni: tls.sni ?? "", commonTlsContext: common });
}

/** Empty where Envoy itself offers the protocol of each connection. */
function originatedAlpn(view: ClusterView): string[] {
  if (!isHttp(view.protocol) || view.policy.connectionPool?.http?.useClientProtocol === true) return [];
  return view.http2 ? ["h2"] : ["http/1.1"];
}

function transportSocket(init: MessageInitShape<typeof UpstreamTlsContextSchema>): TransportSocket {
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: packAny(UpstreamTlsContextSchema, init) },
  });
}
