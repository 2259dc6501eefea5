// AuthorizationPolicy.spec.rules[].from[].source, AuthorizationPolicy.spec.rules[].when → envoy.config.rbac.v3.Principal
import { create } from "@bufbuild/protobuf";
import { type Principal, PrincipalSchema } from "../../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { StringMatcher } from "../../../gen/envoy/type/matcher/v3/string_pb.ts";
import { type Condition, headerOfKey } from "../../config/authorization-policy/condition.ts";
import type { Source } from "../../config/authorization-policy/source.ts";
import { buildCidrRange } from "../cidr-range.ts";
import { escapeRe2 } from "../rds/rewrite.ts";
import type { PolicyContext } from "./policy-context.ts";
import { buildPolicyHeader } from "./policy-header.ts";
import { buildRegexValue, buildValueMatcher } from "./value-matcher.ts";

export const anyPrincipal: Principal = create(PrincipalSchema, { identifier: { case: "any", value: true } });

export function allOf(principals: readonly Principal[]): Principal {
  const [only] = principals;
  if (only === undefined) return anyPrincipal;
  if (principals.length === 1) return only;
  return create(PrincipalSchema, { identifier: { case: "andIds", value: { ids: [...principals] } } });
}

function anyOf(principals: readonly Principal[]): Principal {
  const [only] = principals;
  if (only !== undefined && principals.length === 1) return only;
  return create(PrincipalSchema, { identifier: { case: "orIds", value: { ids: [...principals] } } });
}

function not(principal: Principal): Principal {
  return create(PrincipalSchema, { identifier: { case: "notId", value: principal } });
}

/** The certificate's SPIFFE id, `spiffe://` included; nothing matches where there is no certificate. */
function authenticated(principalName: StringMatcher | undefined): Principal {
  return create(PrincipalSchema, {
    identifier: { case: "authenticated", value: principalName === undefined ? {} : { principalName } },
  });
}

/** All fields of a source must hold; in a list, one value suffices. */
export function buildSource(source: Source, context: PolicyContext): Principal {
  const parts: Principal[] = [];
  add(parts, source.principals, source.notPrincipals, (value) => principalNamed(value, context), context, true);
  add(parts, source.namespaces, source.notNamespaces, (value) => authenticated(namespaceMatcher(value)), context, true);
  add(
    parts,
    source.serviceAccounts,
    source.notServiceAccounts,
    (value) => authenticated(accountMatcher(value, context)),
    context,
    true,
  );
  add(
    parts,
    source.trustDomains,
    source.notTrustDomains,
    (value) => authenticated(trustDomainMatcher(value)),
    context,
    true,
  );
  add(parts, source.ipBlocks, source.notIpBlocks, directRemoteIp, context, false);
  return allOf(parts);
}

/** Undefined where the condition is not about the caller, see `buildConditionPermission`. */
export function buildConditionPrincipal(condition: Condition, context: PolicyContext): Principal | undefined {
  const build = conditionBuilder(condition.key, context);
  if (build === undefined) return undefined;
  const parts: Principal[] = [];
  const identity = condition.key === "source.principal" || condition.key === "source.namespace";
  add(parts, condition.values, condition.notValues, build, context, identity);
  return allOf(parts);
}

function conditionBuilder(key: string, context: PolicyContext): ((value: string) => Principal) | undefined {
  if (key === "source.ip") return directRemoteIp;
  if (key === "source.namespace") return (value) => authenticated(namespaceMatcher(value));
  if (key === "source.principal") return (value) => principalNamed(value, context);
  const header = headerOfKey(key);
  if (header === undefined) return undefined;
  return (value) =>
    create(PrincipalSchema, { identifier: { case: "header", value: buildPolicyHeader(header, value) } });
}

/** @param identity values that a certificate proves: in an ALLOW policy, `not…` asks for a certificate too */
function add(
  parts: Principal[],
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  build: (value: string) => Principal,
  context: PolicyContext,
  identity: boolean,
): void {
  if (values !== undefined && values.length > 0) parts.push(anyOf(values.map(build)));
  if (notValues === undefined || notValues.length === 0) return;
  parts.push(not(anyOf(notValues.map(build))));
  // A caller without certificate is nobody in particular: that must not pass for "not that one".
  if (identity && context.action === "ALLOW") parts.push(authenticated(buildRegexValue(".+")));
}

/** `cluster.local` in a principal stands for the mesh's own trust domain, aliases included (Istio's trust domain migration). */
function principalNamed(value: string, context: PolicyContext): Principal {
  const [domain = "", ...rest] = value.split("/");
  const own = [context.trustDomain, ...context.trustDomainAliases];
  const names =
    !domain.includes("*") && rest.length > 0 && (domain === "cluster.local" || own.includes(domain))
      ? [...new Set([domain, ...own])].map((trustDomain) => [trustDomain, ...rest].join("/"))
      : [value];
  return anyOf(names.map((name) => authenticated(principalMatcher(name))));
}

function principalMatcher(value: string): StringMatcher {
  return value === "*" || value.startsWith("*") ? buildValueMatcher(value) : buildValueMatcher(`spiffe://${value}`);
}

/** `ns/<namespace>` between slashes of the SPIFFE id; a wildcard stays within the segment. */
function namespaceMatcher(value: string): StringMatcher {
  return buildRegexValue(`spiffe://[^/]+/ns/${segment(value)}/.*`);
}

/** `account`, or `namespace/account`; without namespace, the policy's own. */
function accountMatcher(value: string, context: PolicyContext): StringMatcher {
  const [first = "", second] = value.split("/");
  const [namespace, account] = second === undefined ? [context.namespace, first] : [first, second];
  return buildRegexValue(`spiffe://.+/ns/${escapeRe2(namespace)}/(.+/|)sa/${escapeRe2(account)}(/.+)?`);
}

function trustDomainMatcher(value: string): StringMatcher {
  return buildRegexValue(`spiffe://${segment(value)}/.*`);
}

function segment(value: string): string {
  return value.split("*").map(escapeRe2).join("[^/]*");
}

function directRemoteIp(block: string): Principal {
  return create(PrincipalSchema, { identifier: { case: "directRemoteIp", value: buildCidrRange(block) } });
}
