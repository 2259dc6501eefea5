// What can be wrong on an xDS stream.
import { defineErrors } from "../kernel/error.ts";

export const xdsErrors = defineErrors({
  badNode: {
    code: "LAT2001",
    meaning: "The node that a proxy sent on its first message is missing, too large or malformed.",
    remedy: "Send Istio's node id (type~ip~name.namespace~domain) and metadata, as Istio's and Lateen's agents do.",
  },
  badRequest: {
    code: "LAT2002",
    meaning: "A discovery request is not a valid protobuf message or breaks a limit.",
    remedy: "Check the client; the message names what is wrong or the limit.",
  },
  badFrame: {
    code: "LAT2003",
    meaning: "The bytes on a gRPC stream are not length-prefixed messages, are compressed, or are too long.",
    remedy: "Check that the client speaks gRPC without compression.",
  },
  identityMismatch: {
    code: "LAT2004",
    meaning: "Node metadata claims a namespace or service account that the client certificate does not prove.",
    remedy: "Join the machine with a token of the group it claims to be in.",
  },
  notPermitted: {
    code: "LAT2005",
    meaning: "The resource type is not served on this port or to this identity.",
    remedy: "Use the mutual TLS port 15012 with a certificate of the mesh.",
  },
});
