// PeerAuthentication.spec.mtls.mode, MeshConfig.trustDomain, MeshConfig.trustDomainAliases → envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
import { create } from "@bufbuild/protobuf";
import { type TransportSocket, TransportSocketSchema } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { DownstreamTlsContextSchema } from "../../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import { packAny } from "../any.ts";
import { buildTlsParameters } from "./parameters.ts";
import { trustDomainSan } from "./san-matcher.ts";
import { rootCertificates, sdsConfig, workloadCertificate } from "./sds-config.ts";

/** Inbound mutual TLS: a certificate of the mesh's trust domain or of an alias, nothing else. */
export function buildDownstreamTls(mesh: MeshSettings): TransportSocket {
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: packAny(DownstreamTlsContextSchema, {
        requireClientCertificate: true,
        // Resumption would skip a policy or a revocation that came since the first handshake.
        sessionTicketKeysType: { case: "disableStatelessSessionResumption", value: true },
        disableStatefulSessionResumption: true,
        commonTlsContext: {
          tlsParams: buildTlsParameters(mesh.minTlsVersion),
          alpnProtocols: ["h2", "http/1.1"],
          tlsCertificateSdsSecretConfigs: [{ name: workloadCertificate, sdsConfig: sdsConfig() }],
          validationContextType: {
            case: "combinedValidationContext",
            value: {
              defaultValidationContext: {
                matchTypedSubjectAltNames: [mesh.trustDomain, ...mesh.trustDomainAliases].map(trustDomainSan),
              },
              validationContextSdsSecretConfig: { name: rootCertificates, sdsConfig: sdsConfig() },
            },
          },
        },
      }),
    },
  });
}
