// Envoy's side of a delta ADS stream in memory: asks, applies, and answers when the test lets it.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { CallListener, GrpcCall } from "../grpc/server-call.ts";

export interface FakeEnvoyOptions {
  /** Why a resource is refused, or nothing. */
  refuse?: (name: string, body: string) => string | undefined;
  /** True holds answers of a type back until `release`. */
  holds?: (typeUrl: string) => boolean;
}

export class FakeEnvoy implements GrpcCall {
  readonly responses: DeltaDiscoveryResponse[] = [];
  /** What is in force, `type name` to version. */
  readonly applied = new Map<string, string>();
  private readonly options: FakeEnvoyOptions;
  private readonly listener: CallListener;
  private readonly heldBack: DeltaDiscoveryResponse[] = [];

  constructor(accept: (call: GrpcCall) => CallListener, options: FakeEnvoyOptions = {}) {
    this.options = options;
    this.listener = accept(this);
  }

  subscribe(typeUrl: string, names: readonly string[], versions: Record<string, string> = {}): void {
    this.request({ typeUrl, resourceNamesSubscribe: [...names], initialResourceVersions: versions });
  }

  unsubscribe(typeUrl: string, names: readonly string[]): void {
    this.request({ typeUrl, resourceNamesUnsubscribe: [...names] });
  }

  disconnect(): void {
    this.listener.closed();
  }

  send(message: Uint8Array): void {
    const response = fromBinary(DeltaDiscoveryResponseSchema, message);
    this.responses.push(response);
    if (this.options.holds?.(response.typeUrl) === true) this.heldBack.push(response);
    else this.answer(response);
  }

  end(): void {
    this.listener.closed();
  }

  /** Answers what was held back. */
  release(): void {
    for (const response of this.heldBack.splice(0)) this.answer(response);
  }

  /** Names of each response of a type, removed ones with a minus. */
  sent(typeUrl: string): string[][] {
    return this.responses
      .filter((response) => response.typeUrl === typeUrl)
      .map((response) => [
        ...response.resources.map(({ name }) => name),
        ...response.removedResources.map((name) => `-${name}`),
      ]);
  }

  /** In force of one type, name to version. */
  inForce(typeUrl: string): Record<string, string> {
    const prefix = `${typeUrl} `;
    return Object.fromEntries(
      [...this.applied]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), value]),
    );
  }

  private answer(response: DeltaDiscoveryResponse): void {
    const { typeUrl, nonce: responseNonce } = response;
    const errors = response.resources.flatMap(
      ({ name, resource }) => this.options.refuse?.(name, new TextDecoder().decode(resource?.value)) ?? [],
    );
    if (errors.length === 0) {
      for (const { name, version } of response.resources) this.applied.set(`${typeUrl} ${name}`, version);
    }
    for (const name of response.removedResources) this.applied.delete(`${typeUrl} ${name}`);
    this.request({
      typeUrl,
      responseNonce,
      ...(errors.length === 0 ? {} : { errorDetail: { code: 13, message: errors.join(", ") } }),
    });
  }

  private request(fields: Parameters<typeof create<typeof DeltaDiscoveryRequestSchema>>[1]): void {
    this.listener.message(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields)));
  }
}
