// What the server tells the rest of the control plane about its streams.
import type { ResourceSet, XdsClient } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";

/** Resources that a proxy will not get again until they change, because it rejected them. */
export interface AdsRejection {
  readonly client: XdsClient;
  readonly connectionId: string;
  readonly typeUrl: string;
  /** The proxy's own words. */
  readonly message: string;
  /** Their `sources` name the objects whose authors should know. */
  readonly resources: readonly Resource[];
}

/** Resources that a proxy takes as they are, or that it had when it came. */
export interface AdsAcknowledgement {
  readonly connectionId: string;
  readonly typeUrl: string;
  readonly resources: readonly Resource[];
}

/** A stream asks for a type for the first time. */
export interface AdsOpening {
  readonly connectionId: string;
  readonly typeUrl: string;
  /** What there is of the type for this client. */
  readonly resources: ResourceSet;
  /** Versions that it has from an earlier stream, by name (delta xDS, initial_resource_versions). */
  readonly held: ReadonlyMap<string, string>;
}

/** What an Istio agent reports of its application (istio.v1.HealthInformation). */
export interface HealthReport {
  readonly healthy: boolean;
  readonly message: string;
}

/** Where a stream comes from, whatever its node says. */
export interface StreamOrigin {
  /** IP address of the connection's other end: the client's own, or that of a NAT or proxy before it. */
  readonly address: string;
  /** Serial number of the client certificate. */
  readonly certificate: string | undefined;
}

export interface AdsHooks {
  /**
   * A stream has proven itself and is about to be served; `client.identities` is empty on a plaintext port.
   * A LateenError refuses the stream with its code and message; then `onDisconnect` is not called.
   */
  readonly onConnect?: (client: XdsClient, connectionId: string, origin: StreamOrigin) => void;
  readonly onDisconnect?: (connectionId: string) => void;
  readonly onNack?: (rejection: AdsRejection) => void;
  /** Called before anything of the type is looked up for the client. */
  readonly onOpen?: (opening: AdsOpening) => void;
  /** Called for each acknowledged message: it must cost little. */
  readonly onAck?: (acknowledgement: AdsAcknowledgement) => void;
  /** Called when the state changes, at most once a second for one stream; the newest counts. */
  readonly onHealth?: (client: XdsClient, connectionId: string, report: HealthReport) => void;
}
