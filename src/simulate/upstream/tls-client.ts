// envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext: how a proxy speaks to an endpoint.
import type { TransportSocket } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import {
  type CertificateValidationContext,
  CertificateValidationContextSchema,
  type SubjectAltNameMatcher,
} from "../../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import {
  type CommonTlsContext,
  CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields, unpackAs } from "../known-fields.ts";

export type Transport =
  | { readonly kind: "plaintext" }
  | {
      readonly kind: "tls";
      /** The proxy shows a certificate of its own: SDS name or file. Undefined for TLS without client certificate. */
      readonly clientCertificate: string | undefined;
      /** Empty: none is sent. */
      readonly sni: string;
      readonly alpn: readonly string[];
      readonly verification: Verification;
    };

export type Verification =
  /** Any certificate is taken. */
  | { readonly kind: "none" }
  /** Roots by SDS name or file; `names` of which the certificate must hold one, empty for any. */
  | { readonly kind: "roots"; readonly roots: string; readonly names: readonly string[] };

const rawBuffer = "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
const knownUpstreamFields = new Set(["common_tls_context", "sni"]);
const knownCommonFields = new Set([
  "tls_params",
  "tls_certificates",
  "tls_certificate_sds_secret_configs",
  "validation_context",
  "combined_validation_context",
  "alpn_protocols",
]);
const knownValidationFields = new Set(["trusted_ca", "match_typed_subject_alt_names"]);

/** @throws LateenError LAT2201 for other transport sockets and for settings that decide and are not known */
export function readUpstreamTransport(socket: TransportSocket | undefined): Transport {
  if (socket === undefined) return { kind: "plaintext" };
  const config = socket.configType.value;
  if (config?.typeUrl === rawBuffer) return { kind: "plaintext" };
  const tls = unpackAs(UpstreamTlsContextSchema, config, socket.name);
  onlyFields(UpstreamTlsContextSchema, tls, knownUpstreamFields);
  const common = tls.commonTlsContext;
  if (common === undefined) throw simulateErrors.cannotSimulate("cannot simulate TLS without common_tls_context");
  onlyFields(CommonTlsContextSchema, common, knownCommonFields);
  return {
    kind: "tls",
    clientCertificate: certificateName(common),
    sni: tls.sni,
    alpn: common.alpnProtocols,
    verification: readVerification(common),
  };
}

/** The proxy's own certificate: SDS name or file. */
export function certificateName(common: CommonTlsContext): string | undefined {
  const [secret] = common.tlsCertificateSdsSecretConfigs;
  if (secret !== undefined) return secret.name;
  const chain = common.tlsCertificates[0]?.certificateChain?.specifier;
  if (chain === undefined) return undefined;
  return chain.case === "filename" ? chain.value : `inline (${chain.case})`;
}

export function readVerification(common: CommonTlsContext): Verification {
  const { validationContextType: type } = common;
  switch (type.case) {
    case undefined:
      return { kind: "none" };
    case "validationContext":
      return verificationBy(type.value, fileOf(type.value));
    case "combinedValidationContext": {
      const { defaultValidationContext, validationContextSdsSecretConfig } = type.value;
      return verificationBy(defaultValidationContext, validationContextSdsSecretConfig?.name ?? "");
    }
    default:
      throw simulateErrors.cannotSimulate(`cannot simulate ${type.case}`);
  }
}

function verificationBy(context: CertificateValidationContext | undefined, roots: string): Verification {
  if (context !== undefined) onlyFields(CertificateValidationContextSchema, context, knownValidationFields);
  return { kind: "roots", roots, names: (context?.matchTypedSubjectAltNames ?? []).map(nameOf) };
}

function fileOf(context: CertificateValidationContext): string {
  const specifier = context.trustedCa?.specifier;
  return specifier?.case === "filename" ? specifier.value : `inline (${specifier?.case ?? "none"})`;
}

/** The exact name, or the name with `*` where only its beginning is asked for. */
function nameOf({ matcher }: SubjectAltNameMatcher): string {
  const pattern = matcher?.matchPattern;
  if (pattern?.case === "exact") return pattern.value;
  if (pattern?.case === "prefix") return `${pattern.value}*`;
  throw simulateErrors.cannotSimulate(`cannot simulate a SAN matcher of kind ${pattern?.case ?? "none"}`);
}
