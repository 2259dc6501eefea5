// Identity → envoy.extensions.transport_sockets.tls.v3.Secret.
import { create, toBinary } from "@bufbuild/protobuf";
import { SecretSchema } from "../../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { utf8 } from "../../kernel/bytes.ts";
import { contentHash } from "../../kernel/hash.ts";
import type { MachineIdentity } from "../identity/machine-identity.ts";

/** Istio's name of the workload's own certificate and key. */
export const defaultSecretName = "default";
/** Istio's name of the trusted roots. */
export const rootSecretName = "ROOTCA";

export interface SecretResource {
  readonly name: string;
  /** A hash of the certificates; the key is new whenever they are. */
  readonly version: string;
  /** Encoded Secret. It may hold the key: it goes to Envoy's socket and nowhere else. */
  readonly body: Uint8Array;
}

/**
 * The secret of a name that Envoy asks for: `default` or the SPIFFE id for certificate and key, `ROOTCA` for the roots.
 *
 * @returns undefined where the machine has no such secret
 */
export function secretOf(name: string, identity: MachineIdentity): SecretResource | undefined {
  if (name === rootSecretName) {
    const secret = create(SecretSchema, {
      name,
      type: { case: "validationContext", value: { trustedCa: inline(identity.roots) } },
    });
    return { name, version: contentHash("roots", identity.roots), body: toBinary(SecretSchema, secret) };
  }
  if (name !== defaultSecretName && name !== identity.spiffeId) return undefined;
  const secret = create(SecretSchema, {
    name,
    type: {
      case: "tlsCertificate",
      value: { certificateChain: inline(identity.chain), privateKey: inline(identity.privateKey.reveal()) },
    },
  });
  return { name, version: contentHash("chain", identity.chain), body: toBinary(SecretSchema, secret) };
}

function inline(text: string) {
  return { specifier: { case: "inlineBytes" as const, value: utf8(text) } };
}
