// Source: who calls (istio.security.v1beta1.Source).
import { object, type Rule, type SpecOf } from "../schema.ts";
import { type At, dubious, type Report } from "../virtual-service/finding.ts";
import { ipSubnet } from "../virtual-service/ip-subnet.ts";
import { checkWildcards, values } from "./match-value.ts";

const namesAccount: Rule<string> = {
  message:
    "must be namespace/account, or the name of an account in the policy's namespace; wildcards are not supported",
  test: (text) => {
    const parts = text.split("/");
    return parts.length <= 2 && parts.every((part) => part !== "") && !text.includes("*");
  },
};

/** Bounds of the CRD. */
const accountBounds = { maxItems: 16, maxLength: 320, rules: [namesAccount] };

const fields = {
  principals: values(
    "Identities from the client's certificate, without spiffe://, such as cluster.local/ns/shop/sa/cart. Needs mutual TLS.",
  ),
  notPrincipals: values("Identities from the client's certificate that must not be the caller's."),
  requestPrincipals: values("Identities from a JWT, issuer/subject.", { pending: true }),
  notRequestPrincipals: values("Identities from a JWT that must not be the caller's.", { pending: true }),
  namespaces: values("Namespaces from the client's certificate. Needs mutual TLS."),
  notNamespaces: values("Namespaces from the client's certificate that must not be the caller's."),
  ipBlocks: values("Addresses or CIDR blocks of the connection's other end.", { rules: [ipSubnet] }),
  notIpBlocks: values("Addresses or CIDR blocks that must not hold the connection's other end.", { rules: [ipSubnet] }),
  remoteIpBlocks: values("Addresses or CIDR blocks of the original client, from X-Forwarded-For or PROXY protocol.", {
    rules: [ipSubnet],
    pending: true,
  }),
  notRemoteIpBlocks: values("Addresses or CIDR blocks that must not hold the original client.", {
    rules: [ipSubnet],
    pending: true,
  }),
  serviceAccounts: values(
    "Service accounts from the client's certificate, namespace/account, in any trust domain of the mesh. Needs mutual TLS.",
    accountBounds,
  ),
  notServiceAccounts: values("Service accounts that must not be the caller's.", accountBounds),
  trustDomains: values("Trust domains from the client's certificate. Needs mutual TLS."),
  notTrustDomains: values("Trust domains that must not be the caller's."),
};

const accountsStandAlone: Rule<Record<string, unknown>> = {
  message: "serviceAccounts cannot be combined with principals or namespaces",
  test: (source) =>
    (source["serviceAccounts"] === undefined && source["notServiceAccounts"] === undefined) ||
    ["principals", "notPrincipals", "namespaces", "notNamespaces"].every((field) => source[field] === undefined),
};

export const sourceSchema = object(fields, {
  description: "Conditions on the caller, all of which must hold; within one list, one value suffices.",
  rules: [accountsStandAlone, hasValues(Object.keys(fields))],
});

export type Source = SpecOf<typeof sourceSchema>;

/** An empty condition would hold for everybody, which is said by leaving it out. */
export function hasValues(fields: readonly string[]): Rule<Record<string, unknown>> {
  return {
    message: "at least one list must have a value",
    test: (value) =>
      fields.some((field) => {
        const list = value[field];
        return Array.isArray(list) && list.length > 0;
      }),
  };
}

const patterns = [
  "principals",
  "notPrincipals",
  "requestPrincipals",
  "notRequestPrincipals",
  "namespaces",
  "notNamespaces",
  "trustDomains",
  "notTrustDomains",
] as const;

export function checkSource(source: Source, at: At, report: Report): void {
  for (const field of patterns) checkWildcards(source[field], [...at, field], report);
  for (const field of ["principals", "notPrincipals"] as const) {
    for (const [index, principal] of (source[field] ?? []).entries()) {
      if (!principal.startsWith("spiffe://")) continue;
      report(dubious([...at, field, index], "never matches: principals are written without spiffe://", "Drop it."));
    }
  }
}
