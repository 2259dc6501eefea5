// One StreamSecrets call: state of the world, as Istio's bootstrap asks for it.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { contentHash } from "../../kernel/hash.ts";
import type { Log } from "../../kernel/log.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { agentErrors } from "../errors.ts";
import type { GrpcCall } from "../grpc/server-call.ts";
import type { MachineIdentity } from "../identity/machine-identity.ts";
import { secretOf } from "./secret-resource.ts";
import { type IdentitySource, nameLimit, type SecretStream } from "./secret-stream.ts";

export class SotwSecretStream implements SecretStream {
  private readonly call: GrpcCall;
  private readonly source: IdentitySource;
  private readonly log: Log;
  private names: readonly string[] = [];
  private sentVersion = "";
  private sentNames = "";
  private nonce = 0;

  constructor(call: GrpcCall, source: IdentitySource, log: Log) {
    this.call = call;
    this.source = source;
    this.log = log;
  }

  message(bytes: Uint8Array): void {
    const request = decode(bytes);
    if (request.errorDetail !== undefined) {
      this.log.error("Envoy rejected a secret", { names: this.names, error: request.errorDetail.message });
    }
    // An answer to an older response tells nothing about what Envoy wants now.
    if (request.responseNonce !== "" && request.responseNonce !== String(this.nonce)) return;
    if (request.resourceNames.length > nameLimit) {
      throw agentErrors.tooManyCalls(`more than ${nameLimit} secrets were asked for on one stream`);
    }
    this.names = [...new Set(request.resourceNames)].sort();
    if (this.source.identity !== undefined) this.push(this.source.identity);
  }

  rotated(identity: MachineIdentity): void {
    if (this.names.length > 0) this.push(identity);
  }

  /** Sends what is asked for, unless Envoy was sent just that. Names that do not exist are left out, as xDS has it. */
  private push(identity: MachineIdentity): void {
    const secrets = this.names.flatMap((name) => secretOf(name, identity) ?? []);
    const version = contentHash(...secrets.map((secret) => secret.version));
    const names = this.names.join(" ");
    if (secrets.length === 0 || (version === this.sentVersion && names === this.sentNames)) return;
    this.sentVersion = version;
    this.sentNames = names;
    this.nonce += 1;
    const response = create(DiscoveryResponseSchema, {
      versionInfo: version,
      typeUrl: typeUrls.secret,
      nonce: String(this.nonce),
      resources: secrets.map(({ body }) => ({ typeUrl: typeUrls.secret, value: body })),
    });
    this.call.send(toBinary(DiscoveryResponseSchema, response));
  }
}

function decode(bytes: Uint8Array): DiscoveryRequest {
  try {
    return fromBinary(DiscoveryRequestSchema, bytes);
  } catch (cause) {
    throw agentErrors.badStreamMessage("a discovery request for secrets could not be decoded", { cause });
  }
}
