// One DeltaSecrets call: incremental SDS.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { Log } from "../../kernel/log.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { agentErrors } from "../errors.ts";
import type { GrpcCall } from "../grpc/server-call.ts";
import type { MachineIdentity } from "../identity/machine-identity.ts";
import { secretOf } from "./secret-resource.ts";
import { type IdentitySource, nameLimit, type SecretStream } from "./secret-stream.ts";

export class DeltaSecretStream implements SecretStream {
  private readonly call: GrpcCall;
  private readonly source: IdentitySource;
  private readonly log: Log;
  /** Asked for, with the version Envoy has; empty where it has none. */
  private readonly held = new Map<string, string>();
  private nonce = 0;

  constructor(call: GrpcCall, source: IdentitySource, log: Log) {
    this.call = call;
    this.source = source;
    this.log = log;
  }

  message(bytes: Uint8Array): void {
    const request = decode(bytes);
    if (request.errorDetail !== undefined) {
      this.log.error("Envoy rejected a secret", { names: [...this.held.keys()], error: request.errorDetail.message });
    }
    for (const name of request.resourceNamesUnsubscribe) this.held.delete(name);
    if (this.held.size + request.resourceNamesSubscribe.length > nameLimit) {
      throw agentErrors.tooManyCalls(`more than ${nameLimit} secrets were asked for on one stream`);
    }
    for (const name of request.resourceNamesSubscribe) {
      this.held.set(name, request.initialResourceVersions[name] ?? "");
    }
    if (request.resourceNamesSubscribe.length === 0 || this.source.identity === undefined) return;
    this.push(this.source.identity, new Set(request.resourceNamesSubscribe));
  }

  rotated(identity: MachineIdentity): void {
    this.push(identity, new Set(this.held.keys()));
  }

  private push(identity: MachineIdentity, names: ReadonlySet<string>): void {
    const resources = [];
    const removedResources: string[] = [];
    for (const name of names) {
      const secret = secretOf(name, identity);
      if (secret === undefined) removedResources.push(name);
      else if (secret.version !== this.held.get(name)) {
        this.held.set(name, secret.version);
        resources.push({
          name,
          version: secret.version,
          resource: { typeUrl: typeUrls.secret, value: secret.body },
        });
      }
    }
    if (resources.length === 0 && removedResources.length === 0) return;
    this.nonce += 1;
    const response = create(DeltaDiscoveryResponseSchema, {
      typeUrl: typeUrls.secret,
      nonce: String(this.nonce),
      resources,
      removedResources,
    });
    this.call.send(toBinary(DeltaDiscoveryResponseSchema, response));
  }
}

function decode(bytes: Uint8Array): DeltaDiscoveryRequest {
  try {
    return fromBinary(DeltaDiscoveryRequestSchema, bytes);
  } catch (cause) {
    throw agentErrors.badStreamMessage("a delta discovery request for secrets could not be decoded", { cause });
  }
}
