// Values of headers as Envoy formats them: text, with command operators between percent signs.
//
// Envoy refuses a whole route configuration for one operator it does not know, or with parameters it does not take. So
// only operators that every supported Envoy knows pass. ENVIRONMENT is none of them: it would tell the environment of a
// machine's proxy to whoever writes a route.
import { utf8 } from "../../kernel/bytes.ts";

/** Longest header value Envoy takes, bytes (envoy.config.core.v3.HeaderValue). */
const longestBytes = 16384;

/** Operators that take no parameters. */
const plain: ReadonlySet<string> = new Set(
  [
    "PROTOCOL UPSTREAM_PROTOCOL RESPONSE_CODE RESPONSE_CODE_DETAILS CONNECTION_TERMINATION_DETAILS RESPONSE_FLAGS",
    "BYTES_RECEIVED BYTES_SENT DURATION REQUEST_DURATION RESPONSE_DURATION RESPONSE_TX_DURATION",
    "ROUTE_NAME VIRTUAL_CLUSTER_NAME UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_HOST",
    "UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_LOCAL_PORT",
    "UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT",
    "UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_TRANSPORT_FAILURE_REASON",
    "UPSTREAM_TLS_CIPHER UPSTREAM_TLS_VERSION UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_ISSUER UPSTREAM_PEER_CERT",
    "DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_PORT",
    "DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_PORT",
    "DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_VERSION DOWNSTREAM_TLS_SESSION_ID",
    "DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_ISSUER",
    "DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CERT_V_END",
    "DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_TRANSPORT_FAILURE_REASON",
    "CONNECTION_ID STREAM_ID HOSTNAME REQUESTED_SERVER_NAME FILTER_CHAIN_NAME GRPC_STATUS GRPC_STATUS_NUMBER",
    "START_TIME",
  ].flatMap((line) => line.split(" ")),
);

/** Operators with parameters, and what these may be. */
const withParameters: Readonly<Record<string, RegExp>> = {
  REQ: /^:?[A-Za-z0-9_-]+(\?:?[A-Za-z0-9_-]+)?$/,
  RESP: /^:?[A-Za-z0-9_-]+(\?:?[A-Za-z0-9_-]+)?$/,
  TRAILER: /^[A-Za-z0-9_-]+(\?[A-Za-z0-9_-]+)?$/,
  DYNAMIC_METADATA: /^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*$/,
  CLUSTER_METADATA: /^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*$/,
  UPSTREAM_METADATA: /^([A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*|\["[^"\\]+"(, ?"[^"\\]+")*\])$/,
  START_TIME: /^[A-Za-z0-9%:./, -]+$/,
};

/** Those of them whose result may be cut to a length: `%REQ(x-id):12%`. */
const withLength: ReadonlySet<string> = new Set(["REQ", "RESP", "TRAILER", "DYNAMIC_METADATA"]);

/** True for text that Envoy can format: no control characters, and every `%` is doubled or belongs to an operator. */
export function isHeaderFormat(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not pass (RFC 9110 section 5.5)
  if (utf8(value).length > longestBytes || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) return false;
  let fine = true;
  const rest = value.replaceAll(
    /%%|%([A-Z][A-Z0-9_]*)(?:\(([^()]*)\))?(?::(\d{1,5}))?%/g,
    (found, name: string | undefined, parameters: string | undefined, length: string | undefined) => {
      if (found !== "%%" && !isOperator(name ?? "", parameters, length)) fine = false;
      return "";
    },
  );
  return fine && !rest.includes("%");
}

function isOperator(name: string, parameters: string | undefined, length: string | undefined): boolean {
  if (length !== undefined && !withLength.has(name)) return false;
  if (parameters === undefined) return plain.has(name);
  return Object.hasOwn(withParameters, name) && withParameters[name]?.test(parameters) === true;
}
