// envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext: who may connect.
import type { TransportSocket } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { DownstreamTlsContextSchema } from "../../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields, unpackAs } from "../known-fields.ts";
import { readVerification } from "../upstream/tls-client.ts";

export type Handshake =
  | { readonly kind: "done"; readonly peer: string | undefined; readonly alpn: string | undefined }
  | { readonly kind: "failed"; readonly because: string };

const knownFields = new Set([
  "common_tls_context",
  "require_client_certificate",
  "disable_stateless_session_resumption",
  "disable_stateful_session_resumption",
]);

/**
 * Certificates are taken to be issued by the trusted roots and in time; what they say is checked.
 *
 * @param client undefined where the client does not speak TLS
 */
export function shakeHands(
  socket: TransportSocket,
  client: { alpn: readonly string[]; peer: string | undefined } | undefined,
): Handshake {
  const context = unpackAs(DownstreamTlsContextSchema, socket.configType.value, socket.name);
  onlyFields(DownstreamTlsContextSchema, context, knownFields);
  const common = context.commonTlsContext;
  if (common === undefined) throw simulateErrors.cannotSimulate("cannot simulate TLS without common_tls_context");
  if (client === undefined) return { kind: "failed", because: "the chain expects TLS and gets something else" };
  if (client.peer === undefined && context.requireClientCertificate === true) {
    return { kind: "failed", because: "the caller shows no certificate" };
  }
  const verification = readVerification(common);
  if (client.peer !== undefined && verification.kind === "roots" && verification.names.length > 0) {
    const { peer } = client;
    if (!verification.names.some((name) => fits(name, peer))) {
      return {
        kind: "failed",
        because: `the caller's certificate is for ${peer}, not for ${verification.names.join(" or ")}`,
      };
    }
  }
  // The server's order decides (RFC 7301 section 3.2); without a common protocol Envoy goes on without one.
  const alpn = common.alpnProtocols.find((protocol) => client.alpn.includes(protocol));
  return { kind: "done", peer: client.peer, alpn };
}

function fits(name: string, peer: string): boolean {
  return name.endsWith("*") ? peer.startsWith(name.slice(0, -1)) : name === peer;
}
