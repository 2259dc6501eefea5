// proxy-config secret: certificates that Envoy holds. Keys are not in a dump, and are not looked for.
import { X509Certificate } from "node:crypto";
import { fromBase64, fromUtf8 } from "../../kernel/bytes.ts";
import { fieldsOf, listOf, textOf } from "../json-value.ts";
import { type ConfigDump, pick, pickAt } from "./config-dump.ts";

/** istioctl's names of the fields, as its JSON has them. */
export interface SecretItem {
  resource_name: string;
  /** `Cert Chain`, `CA`, or empty where there is no certificate to read. */
  type: string;
  state: string;
  cert_valid: boolean;
  serial_number: string;
  /** RFC 3339. */
  not_after: string;
  not_before: string;
  trust_domain: string;
  /** PEM. */
  cert: string;
}

export const secretHeading = [
  "RESOURCE NAME",
  "TYPE",
  "STATUS",
  "VALID CERT",
  "SERIAL NUMBER",
  "NOT AFTER",
  "NOT BEFORE",
];

export function findSecrets(dump: ConfigDump, nowMs: number): SecretItem[] {
  const section = dump.section("Secrets");
  return (
    [
      ["dynamic_warming_secrets", "WARMING"],
      ["dynamic_active_secrets", "ACTIVE"],
    ] as const
  ).flatMap(([list, state]) => listOf(pick(section, list)).map((item) => readSecret(item, state, nowMs)));
}

function readSecret(item: unknown, state: string, nowMs: number): SecretItem {
  const secret = pick(item, "secret");
  const chain = dataText(pickAt(secret, "tls_certificate", "certificate_chain"));
  const cert = chain === "" ? dataText(pickAt(secret, "validation_context", "trusted_ca")) : chain;
  const uninitialized = state === "ACTIVE" && textOf(pick(item, "version_info")) === "uninitialized";
  return {
    resource_name: textOf(pick(item, "name")),
    state: uninitialized ? "UNINITIALIZED" : state,
    ...readCertificate(cert, nowMs),
    cert,
  };
}

type CertificateFields = Omit<SecretItem, "resource_name" | "state" | "cert">;

/** Of the first certificate in the text. */
function readCertificate(pem: string, nowMs: number): CertificateFields {
  const none = { type: "", cert_valid: false, serial_number: "", not_after: "", not_before: "", trust_domain: "" };
  if (pem === "") return none;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    return none;
  }
  const { validFromDate, validToDate } = certificate;
  return {
    type: certificate.ca ? "CA" : "Cert Chain",
    cert_valid: nowMs > validFromDate.getTime() && nowMs < validToDate.getTime(),
    serial_number: certificate.serialNumber.toLowerCase().padStart(32, "0"),
    not_after: rfc3339(validToDate),
    not_before: rfc3339(validFromDate),
    trust_domain: /URI:spiffe:\/\/([^/,\s"]+)/.exec(certificate.subjectAltName ?? "")?.[1] ?? "",
  };
}

function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

/** envoy.config.core.v3.DataSource, as far as a dump holds it. */
function dataText(source: unknown): string {
  const inline = textOf(pick(fieldsOf(source), "inline_string"));
  if (inline !== "") return inline;
  const bytes = fromBase64(textOf(pick(source, "inline_bytes")));
  if (bytes === undefined) return "";
  try {
    return fromUtf8(bytes);
  } catch {
    return "";
  }
}

export function secretRow(secret: SecretItem): string[] {
  return [
    secret.resource_name,
    secret.type,
    secret.state,
    String(secret.cert_valid),
    secret.serial_number,
    secret.not_after,
    secret.not_before,
  ];
}
