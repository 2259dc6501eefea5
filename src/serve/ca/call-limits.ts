// Bounds of the unary calls.
import type { UniversalHandlerOptions } from "@connectrpc/connect/protocol";

/** A request for a certificate, bytes: far above any, and small enough to take from strangers. */
export const requestLimit: Partial<UniversalHandlerOptions> = { readMaxBytes: 64 << 10, acceptCompression: [] };

/** A machine's answer to a question, bytes: Envoy's config_dump of a large mesh, with its envelope. */
export const answerLimit: Partial<UniversalHandlerOptions> = {
  readMaxBytes: (64 << 20) + (64 << 10),
  acceptCompression: [],
};
