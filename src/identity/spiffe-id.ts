// SPIFFE ids, read strictly: two spellings of one identity are how policies are evaded.
import { quoted } from "../kernel/quote.ts";
import { identityErrors } from "./errors.ts";
import { parseTrustDomain, type TrustDomain } from "./trust-domain.ts";

declare const brand: unique symbol;
export type SpiffeId = string & { readonly [brand]: "SpiffeId" };

/** Istio's two halves of a workload's identity. */
export interface WorkloadIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** SPIFFE-ID §2.3: at most 2048 bytes. */
const lengthLimit = 2048;
const scheme = "spiffe://";

/** RFC 1123 label, as namespaces are. */
const namespacePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** RFC 1123 subdomain, as service accounts are; its length is bounded apart. */
const accountPattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const accountLimit = 253;

/**
 * Reads a SPIFFE id as SPIFFE-ID §2 spells it: lower-case scheme, trust domain, and a path of non-empty segments
 * `[a-zA-Z0-9._-]+` other than `.` and `..`. No port, user, query, fragment, percent encoding or trailing slash.
 * A trust domain's own id (no path) is one too.
 *
 * @throws LateenError LAT3002
 */
export function parseSpiffeId(text: string): SpiffeId {
  if (text.length > lengthLimit) throw identityErrors.badSpiffeId(`the SPIFFE id is longer than ${lengthLimit} bytes`);
  if (!text.startsWith(scheme)) throw refuse(text, "must start with spiffe://");
  const [authority = "", ...segments] = text.slice(scheme.length).split("/");
  try {
    parseTrustDomain(authority);
  } catch (cause) {
    throw refuse(text, "has no valid trust domain", cause);
  }
  for (const segment of segments) {
    if (segment === "") throw refuse(text, "has an empty path segment");
    if (segment === "." || segment === "..") throw refuse(text, "has a relative path segment");
    if (!/^[a-zA-Z0-9._-]+$/.test(segment)) throw refuse(text, "has a character that paths must not have");
  }
  return text as SpiffeId;
}

/**
 * `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT`, as Istio names workloads.
 *
 * @throws LateenError LAT3002 where a part is not a Kubernetes name; nothing is escaped or normalised
 */
export function workloadSpiffeId(trustDomain: TrustDomain, namespace: string, serviceAccount: string): SpiffeId {
  if (!namespacePattern.test(namespace)) {
    throw identityErrors.badSpiffeId(`${quoted(namespace)} cannot be the namespace of an identity`);
  }
  if (serviceAccount.length > accountLimit || !accountPattern.test(serviceAccount)) {
    throw identityErrors.badSpiffeId(`${quoted(serviceAccount)} cannot be the service account of an identity`);
  }
  return `${scheme}${trustDomain}/ns/${namespace}/sa/${serviceAccount}` as SpiffeId;
}

/** The id of the trust domain itself; certificate authorities carry it. */
export function trustDomainSpiffeId(trustDomain: TrustDomain): SpiffeId {
  return `${scheme}${trustDomain}` as SpiffeId;
}

export function trustDomainOf(id: SpiffeId): TrustDomain {
  return id.slice(scheme.length).split("/", 1)[0] as TrustDomain;
}

/** Namespace and service account; `undefined` where the id is not of Istio's form. */
export function workloadOf(id: SpiffeId): WorkloadIdentity | undefined {
  const [, ns, namespace = "", sa, serviceAccount = "", ...rest] = id.slice(scheme.length).split("/");
  if (ns !== "ns" || sa !== "sa" || rest.length > 0) return undefined;
  if (!namespacePattern.test(namespace)) return undefined;
  if (serviceAccount.length > accountLimit || !accountPattern.test(serviceAccount)) return undefined;
  return { namespace, serviceAccount };
}

function refuse(text: string, why: string, cause?: unknown): Error {
  return identityErrors.badSpiffeId(`the SPIFFE id ${quoted(text)} ${why}`, cause === undefined ? {} : { cause });
}
