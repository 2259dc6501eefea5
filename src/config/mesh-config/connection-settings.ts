// ProxyConfig.connectionSettings (istio.mesh.v1alpha1.ProxyConfig.ConnectionSettings): limits of a proxy's listeners.
import { duration } from "../duration.ts";
import { bool, integer, object, oneOfStrings } from "../schema.ts";

const bytes = (description: string) => integer("int32", { description, minimum: 0 });
const count = bytes;

export function connectionSettings() {
  return object(
    {
      profile: oneOfStrings(["SIDECAR", "EDGE"], {
        default: "SIDECAR",
        description: "Which presets apply: SIDECAR trusts its application, EDGE faces unknown clients.",
      }),
      listenerPerConnectionBufferLimitBytes: bytes("Bytes a listener buffers for one connection."),
      clusterPerConnectionBufferLimitBytes: bytes("Bytes a cluster buffers for one connection."),
      httpIdleTimeout: duration({ description: "Time without requests after which a connection is closed." }),
      httpMaxConnectionDuration: duration({ description: "Longest life of a connection." }),
      httpDrainTimeout: duration({ description: "Time between the first GOAWAY and the last." }),
      httpRequestTimeout: duration({ description: "Time in which a whole request must arrive." }),
      httpRequestHeadersTimeout: duration({ description: "Time in which the headers of a request must arrive." }),
      httpStreamIdleTimeout: duration({ description: "Time without activity after which a stream is reset." }),
      httpMaxStreamDuration: duration({ description: "Longest life of a stream." }),
      httpMaxConcurrentStreams: count("Streams at once on one HTTP/2 connection."),
      http2InitialStreamWindowSize: bytes("Initial HTTP/2 window of a stream, bytes."),
      http2InitialConnectionWindowSize: bytes("Initial HTTP/2 window of a connection, bytes."),
      httpHeadersWithUnderscoresAction: oneOfStrings(
        [
          "HEADERS_WITH_UNDERSCORES_UNSPECIFIED",
          "HEADERS_WITH_UNDERSCORES_ALLOW",
          "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
          "HEADERS_WITH_UNDERSCORES_DROP_HEADER",
        ],
        { description: "What happens to headers with an underscore in their name." },
      ),
      httpMergeSlashes: bool({ description: "Takes several slashes in a path as one." }),
      httpPathWithEscapedSlashesAction: oneOfStrings(
        [
          "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
          "KEEP_UNCHANGED",
          "REJECT_REQUEST",
          "UNESCAPE_AND_REDIRECT",
          "UNESCAPE_AND_FORWARD",
        ],
        { description: "What happens to paths with %2F or %5C." },
      ),
      listenerConnectionLimit: count("Connections at once to one listener."),
      globalDownstreamConnectionLimit: count("Connections at once to the proxy."),
    },
    { pending: true, description: "Buffers, timeouts and limits of the proxy's listeners." },
  );
}
