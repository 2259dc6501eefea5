// What Node says of a failed connection → one sentence for an operator.
import { describeError, type LateenError } from "../../kernel/error.ts";
import { cliErrors } from "../errors.ts";

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the name servers do not answer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to its network",
  ETIMEDOUT: "no answer from the host",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
};

/** Verification results of OpenSSL (x509_vfy.h) and Node's own, on the server's certificate. */
const notTrusted: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself, not by the authority in the kubeconfig",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is from another authority than the one in the kubeconfig",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is from another authority than the one in the kubeconfig",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate is from another authority than the one in the kubeconfig",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is from another authority than the one in the kubeconfig",
  CERT_SIGNATURE_FAILURE: "its certificate is from another authority than the one in the kubeconfig",
  CERT_HAS_EXPIRED: "its certificate has expired, or the clock of this machine is wrong",
  CERT_NOT_YET_VALID: "its certificate is not valid yet, or the clock of this machine is wrong",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};

/** @returns LAT9004 or LAT9005 */
export function transportError(server: URL, error: unknown): LateenError {
  const code = codeOf(error);
  const where = `cannot reach ${server.origin}`;
  if (notTrusted[code] !== undefined) {
    return cliErrors.notTrusted(
      `${where}: ${notTrusted[code]}`,
      code === "ERR_TLS_CERT_ALTNAME_INVALID"
        ? { remedy: "Start lateen up with --advertise NAME for the name you use, or use an address it is for." }
        : {},
    );
  }
  // OpenSSL: `…_ALERT_CERTIFICATE_REQUIRED`, `…_ALERT_UNKNOWN_CA`, `…_ALERT_BAD_CERTIFICATE`, `…_CERTIFICATE_EXPIRED`.
  if (/ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code)) {
    return cliErrors.notTrusted(`${where}: it does not accept the client certificate of the kubeconfig`);
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL_") || code === "HPE_INVALID_CONSTANT" || code.startsWith("HPE_")) {
    return cliErrors.unreachable(`${where}: what answers there does not speak HTTPS`, { cause: error });
  }
  const reason = unreachable[code];
  return reason === undefined
    ? cliErrors.unreachable(`${where}: ${describeError(error)}`)
    : cliErrors.unreachable(`${where}: ${reason}`);
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}
