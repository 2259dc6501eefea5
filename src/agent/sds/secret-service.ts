// envoy.service.secret.v3.SecretDiscoveryService for the local Envoy: certificates and key, handed over on a 0600 socket.
import type { Log } from "../../kernel/log.ts";
import type { CallHandler, GrpcCall } from "../grpc/server-call.ts";
import { DeltaSecretStream } from "./delta-secret-stream.ts";
import type { IdentitySource, SecretStream } from "./secret-stream.ts";
import { SotwSecretStream } from "./sotw-secret-stream.ts";

/** Handlers by gRPC path, for the agent's socket. */
export function secretHandlers(source: IdentitySource, log: Log): Map<string, CallHandler> {
  const handle =
    (open: (call: GrpcCall) => SecretStream): CallHandler =>
    (call) => {
      const stream = open(call);
      const unsubscribe = source.onChange((identity) => stream.rotated(identity));
      return { message: (bytes) => stream.message(bytes), closed: unsubscribe };
    };
  const service = "/envoy.service.secret.v3.SecretDiscoveryService";
  return new Map([
    [`${service}/StreamSecrets`, handle((call) => new SotwSecretStream(call, source, log))],
    [`${service}/DeltaSecrets`, handle((call) => new DeltaSecretStream(call, source, log))],
  ]);
}
