// The bounds of an ADS stream. Each has a test at the limit.

export interface AdsLimits {
  /** Longest request, bytes. A client that comes back names all it holds: 100,000 names are about 10 MB. */
  readonly requestBytes: number;
  /** Memory for requests that have not come whole, all streams together, bytes; over it the slowest are refused. */
  readonly unfinishedBytes: number;
  /** Longest Envoy Node in a request, bytes. */
  readonly nodeBytes: number;
  /** Resource names one stream may ask for, all types together (X4). */
  readonly namesPerStream: number;
  /** Characters of them. */
  readonly namesBytesPerStream: number;
  /** Types one stream may ask for. */
  readonly typesPerStream: number;
  /** Streams that have proven themselves, in all; more are refused with ResourceExhausted. */
  readonly streams: number;
  /** Of them, those of one SPIFFE id, so that no account shuts out the others; plaintext streams count as one. */
  readonly streamsPerIdentity: number;
  /** Of them, those of one certificate, which is one machine; over it the oldest are ended. */
  readonly streamsPerCertificate: number;
  /** Streams whose first request has not come; over it the oldest are ended. */
  readonly waitingStreams: number;
  /** A delta response is split where it would become longer, bytes; gRPC clients refuse more than 4 MiB by default. */
  readonly responseBytes: number;
  /**
   * Bytes handed to HTTP/2 at once per stream; the next chunk follows the write callback. TLS keeps a buffer as large as
   * the largest write of each session.
   */
  readonly chunkBytes: number;
  /** A stream that takes no chunk for so long is cut, milliseconds (X8). */
  readonly writeStallMs: number;
  /** A stream whose first request does not come within this time is cut, milliseconds. */
  readonly firstRequestMs: number;
  /**
   * A type waits for those before it in push order at most so long, milliseconds: Envoy's own initial fetch timeout, after
   * which it acknowledges whatever it was waiting for.
   */
  readonly holdMs: number;
  /** Requests a stream may send at once, and per second from then on; more are left unread. */
  readonly requestBurst: number;
  readonly requestsPerSecond: number;
}

export const adsLimits: AdsLimits = {
  requestBytes: 16 << 20,
  unfinishedBytes: 128 << 20,
  nodeBytes: 256 << 10,
  namesPerStream: 100_000,
  namesBytesPerStream: 8 << 20,
  typesPerStream: 32,
  streams: 20_000,
  streamsPerIdentity: 10_000,
  streamsPerCertificate: 16,
  waitingStreams: 4_096,
  responseBytes: 4_000_000,
  chunkBytes: 32 << 10,
  writeStallMs: 60_000,
  firstRequestMs: 10_000,
  holdMs: 15_000,
  requestBurst: 1_000,
  requestsPerSecond: 500,
};

/** Longest resource name, bytes; Istio's longest cluster names have about 600. */
export const nameBytes = 2048;
/** Longest type URL, bytes. */
export const typeUrlBytes = 256;
/** Characters kept of a proxy's rejection; Envoy quotes whole messages in it. */
export const rejectionLength = 8192;
