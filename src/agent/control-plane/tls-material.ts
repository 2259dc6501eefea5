// What a connection to the control plane proves and trusts.
import type { SecureClientSessionOptions } from "node:http2";
import type { Secret } from "../../kernel/secret.ts";
import type { MachineIdentity } from "../identity/machine-identity.ts";
import type { ControlPlaneAddress } from "./control-plane-address.ts";

export interface TlsMaterial {
  /** PEM of the trusted roots; nothing else is trusted. */
  readonly roots: string;
  /** Proof of this machine; absent while it joins. */
  readonly client?: { readonly chain: string; readonly privateKey: Secret<string> };
}

export function materialOf(identity: MachineIdentity): TlsMaterial {
  return { roots: identity.roots, client: { chain: identity.chain, privateKey: identity.privateKey } };
}

/**
 * Options of `tls.connect` and `http2.connect`: the server is always verified, and its certificate must name the host.
 *
 * @param serverName the name to verify instead of the host, Istio's ISTIOD_SAN
 */
export function tlsOptions(
  material: TlsMaterial,
  address: ControlPlaneAddress,
  serverName: string | undefined,
): SecureClientSessionOptions {
  const { client } = material;
  return {
    host: address.host,
    port: address.port,
    ca: material.roots,
    ...(client === undefined ? {} : { cert: client.chain, key: client.privateKey.reveal() }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: true,
    // 1.2 is for istiod, which does not insist on 1.3.
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
  };
}
