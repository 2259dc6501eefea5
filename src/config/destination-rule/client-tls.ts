// ClientTLSSettings: TLS towards a service (istio.networking.v1alpha3.ClientTLSSettings).
import { bool, list, object, oneOfStrings, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, dubious, type Report } from "../virtual-service/finding.ts";
import { dnsName } from "../virtual-service/host-rule.ts";
import { notEmpty } from "./bounds.ts";

/** Longest server name Envoy sends (envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext.sni), bytes. */
const longestSni = 255;

const confinedPath: Rule<string> = {
  message: "must be the path of a file, without .. in it",
  test: (path) => !path.includes("\0") && !path.split("/").includes("..") && !/^[a-z][a-z0-9+.-]*:/i.test(path),
};

const credential: Rule<string> = {
  message: "must be the name of a secret",
  test: (name) => !/\.\.|^file:|\0/.test(name),
};

const sniFits: Rule<string> = {
  message: `must be at most ${longestSni} bytes`,
  test: (sni) => sni.length <= longestSni,
};

interface Tls {
  mode?: string;
  clientCertificate?: string;
  privateKey?: string;
  caCertificates?: string;
  credentialName?: string;
  insecureSkipVerify?: boolean;
  subjectAltNames?: string[];
}

/** Where MUTUAL needs a file, `credentialName` serves as well. */
function mutualNeeds(field: "clientCertificate" | "privateKey"): Rule<Tls> {
  return {
    message: `mode MUTUAL needs ${field}`,
    at: field,
    test: (tls) => tls.mode !== "MUTUAL" || (tls[field] ?? "") !== "" || (tls.credentialName ?? "") !== "",
  };
}

const oneCredential: Rule<Tls> = {
  message: "cannot be combined with clientCertificate, privateKey or caCertificates",
  at: "credentialName",
  test: (tls) => (tls.credentialName ?? "") === "" || !(tls.clientCertificate || tls.privateKey || tls.caCertificates),
};

function unverified(field: "caCertificates" | "subjectAltNames"): Rule<Tls> {
  return {
    message: "cannot be combined with insecureSkipVerify, which checks nothing",
    at: field,
    test: (tls) => tls.insecureSkipVerify !== true || (tls[field]?.length ?? 0) === 0,
  };
}

/** @param description what the settings are for */
export function clientTls(description: string) {
  return object(
    {
      mode: oneOfStrings(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"], {
        description:
          "DISABLE sends plaintext, SIMPLE TLS without a client certificate, MUTUAL TLS with the given certificate, ISTIO_MUTUAL TLS with the workload's own certificate.",
        default: "DISABLE",
      }),
      clientCertificate: string({
        description: "MUTUAL: file on the client's machine with its certificate chain, PEM.",
        rules: [confinedPath],
      }),
      privateKey: string({
        description: "MUTUAL: file on the client's machine with its private key, PEM.",
        rules: [confinedPath],
      }),
      caCertificates: string({
        description:
          "SIMPLE and MUTUAL: file on the client's machine with the authorities to trust, PEM; the system's where absent.",
        rules: [confinedPath],
      }),
      caCrl: string({
        description: "SIMPLE and MUTUAL: file with revoked certificates, PEM.",
        rules: [confinedPath],
        pending: true,
      }),
      credentialName: string({
        description: "SIMPLE and MUTUAL: secret that holds key, certificate and authorities, in place of files.",
        rules: [credential],
        pending: true,
      }),
      subjectAltNames: list(string({ rules: [notEmpty] }), {
        description: "Names of which the server's certificate must hold one; the service's own where absent.",
      }),
      sni: string({ description: "Server name sent in the TLS handshake.", rules: [sniFits, emptyOr(dnsName)] }),
      insecureSkipVerify: bool({
        description: "True accepts any server certificate.",
        default: false,
      }),
    },
    {
      description,
      rules: [
        mutualNeeds("clientCertificate"),
        mutualNeeds("privateKey"),
        oneCredential,
        unverified("caCertificates"),
        unverified("subjectAltNames"),
      ],
    },
  );
}

function emptyOr(rule: Rule<string>): Rule<string> {
  return { message: rule.message, test: (text) => text === "" || rule.test(text) };
}

export type ClientTls = SpecOf<ReturnType<typeof clientTls>>;

/** Fields that have no meaning in a mode; Istio ignores them, which their author may not expect. */
export function checkClientTls(tls: ClientTls, at: At, report: Report): void {
  const mode = tls.mode ?? "DISABLE";
  const certificate = ["clientCertificate", "privateKey"] as const;
  const verification = ["caCertificates", "insecureSkipVerify"] as const;
  const meaningless =
    mode === "MUTUAL" ? [] : mode === "SIMPLE" ? certificate : ([...certificate, ...verification] as const);
  for (const field of meaningless) {
    if (tls[field] === undefined || tls[field] === "" || tls[field] === false) continue;
    report(dubious([...at, field], `has no effect in mode ${mode}`, "Remove it, or change the mode."));
  }
}
