// What AuthorizationPolicies mean, written straight from Istio's documentation of the API, without any of the product's
// matching code: the yardstick that generated RBAC filters are held to.
//
// It differs from Istio's proxies in two places, deliberately: in an ALLOW rule, `not…` of an identity asks for a
// certificate, and what cannot be carried out (JWT claims, original client addresses) never lets anybody in.
import type { AuthorizationPolicy } from "../../src/config/authorization-policy/authorization-policy.ts";

export interface ReferencePolicy {
  readonly name: string;
  readonly namespace: string;
  readonly spec: AuthorizationPolicy;
}

export interface ReferenceCall {
  /** Undefined for plaintext. */
  readonly peer: { readonly trustDomain: string; readonly namespace: string; readonly account: string } | undefined;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly port: number;
  readonly sni: string;
  /** Undefined for TCP. Header names in lower case; the path without query. */
  readonly http:
    | {
        readonly method: string;
        readonly host: string;
        readonly path: string;
        readonly headers: Readonly<Record<string, string>>;
      }
    | undefined;
}

export interface ReferenceMesh {
  readonly rootNamespace: string;
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
}

type Rule = NonNullable<AuthorizationPolicy["rules"]>[number];
type Source = NonNullable<NonNullable<Rule["from"]>[number]["source"]>;
type Operation = NonNullable<NonNullable<Rule["to"]>[number]["operation"]>;
type Condition = NonNullable<Rule["when"]>[number];

interface Context {
  readonly action: "ALLOW" | "DENY";
  readonly namespace: string;
  readonly mesh: ReferenceMesh;
  readonly call: ReferenceCall;
}

/** True where the call is let in. */
export function referenceVerdict(
  policies: readonly ReferencePolicy[],
  workload: { namespace: string; labels: Readonly<Record<string, string>> },
  call: ReferenceCall,
  mesh: ReferenceMesh,
): boolean {
  const held = policies.filter(
    ({ namespace, spec }) =>
      (namespace === workload.namespace || namespace === mesh.rootNamespace) &&
      Object.entries(spec.selector?.matchLabels ?? {}).every(([key, value]) => workload.labels[key] === value),
  );
  const matches = (action: "ALLOW" | "DENY") =>
    held
      .filter(({ spec }) => (spec.action ?? "ALLOW") === action)
      .some(({ namespace, spec }) =>
        (spec.rules ?? []).some((rule) => ruleHolds(rule, { action, namespace, mesh, call })),
      );
  if (matches("DENY")) return false;
  const anyAllow = held.some(({ spec }) => (spec.action ?? "ALLOW") === "ALLOW");
  return !anyAllow || matches("ALLOW");
}

function ruleHolds(rule: Rule, context: Context): boolean {
  const { from, to, when } = rule;
  return (
    (from === undefined || from.some(({ source }) => source === undefined || sourceHolds(source, context))) &&
    (to === undefined || to.some(({ operation }) => operation === undefined || operationHolds(operation, context))) &&
    (when ?? []).every((condition) => conditionHolds(condition, context))
  );
}

/** What a field says that cannot be told: it never helps an ALLOW rule, and is not asked in a DENY rule. */
const cannotTell = ({ action }: Context): boolean => action === "DENY";

function sourceHolds(source: Source, context: Context): boolean {
  const { call } = context;
  const id = call.peer;
  const unknown = [
    source.requestPrincipals,
    source.notRequestPrincipals,
    source.remoteIpBlocks,
    source.notRemoteIpBlocks,
  ];
  if (unknown.some((list) => (list?.length ?? 0) > 0) && !cannotTell(context)) return false;
  return (
    identity(source.principals, source.notPrincipals, (value) => isPrincipal(value, context), context) &&
    identity(
      source.namespaces,
      source.notNamespaces,
      (value) => id !== undefined && like(value, id.namespace),
      context,
    ) &&
    identity(source.serviceAccounts, source.notServiceAccounts, (value) => isAccount(value, context), context) &&
    identity(
      source.trustDomains,
      source.notTrustDomains,
      (value) => id !== undefined && like(value, id.trustDomain),
      context,
    ) &&
    list(source.ipBlocks, source.notIpBlocks, (block) => inBlock(block, call.sourceIp))
  );
}

function operationHolds(operation: Operation, context: Context): boolean {
  const { http, port } = context.call;
  const { hosts, notHosts, methods, notMethods, paths, notPaths } = operation;
  const onlyHttp = [hosts, notHosts, methods, notMethods, paths, notPaths].some((values) => (values?.length ?? 0) > 0);
  const request =
    http === undefined
      ? !onlyHttp || cannotTell(context)
      : list(hosts, notHosts, (value) => like(value.toLowerCase(), http.host.toLowerCase())) &&
        list(methods, notMethods, (value) => like(value, http.method)) &&
        list(paths, notPaths, (value) => isPath(value, http.path));
  return request && list(operation.ports, operation.notPorts, (value) => Number(value) === port);
}

function conditionHolds({ key, values, notValues }: Condition, context: Context): boolean {
  const { call } = context;
  const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1]?.toLowerCase();
  if (header !== undefined) {
    if (call.http === undefined) return cannotTell(context);
    const actual = call.http.headers[header];
    // A header that is there and empty is there.
    return list(values, notValues, (value) => actual !== undefined && (value === "*" || like(value, actual)));
  }
  switch (key) {
    case "source.ip":
      return list(values, notValues, (block) => inBlock(block, call.sourceIp));
    case "source.namespace":
      return identity(
        values,
        notValues,
        (value) => call.peer !== undefined && like(value, call.peer.namespace),
        context,
      );
    case "source.principal":
      return identity(values, notValues, (value) => isPrincipal(value, context), context);
    case "destination.ip":
      return list(values, notValues, (block) => inBlock(block, call.destinationIp));
    case "destination.port":
      return list(values, notValues, (value) => Number(value) === call.port);
    case "connection.sni":
      return list(values, notValues, (value) => like(value, call.sni));
    default:
      return cannotTell(context);
  }
}

function list(
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  holds: (value: string) => boolean,
): boolean {
  if (values !== undefined && values.length > 0 && !values.some(holds)) return false;
  return !(notValues ?? []).some(holds);
}

function identity(
  values: readonly string[] | undefined,
  notValues: readonly string[] | undefined,
  holds: (value: string) => boolean,
  { action, call }: Context,
): boolean {
  if (action === "ALLOW" && (notValues?.length ?? 0) > 0 && call.peer === undefined) return false;
  return list(values, notValues, holds);
}

/** Exact, `prefix*`, `*suffix`, or `*` for anything that is there. */
function like(pattern: string, text: string): boolean {
  if (pattern === "*") return text !== "";
  if (pattern.startsWith("*")) return text.endsWith(pattern.slice(1));
  if (pattern.endsWith("*")) return text.startsWith(pattern.slice(0, -1));
  return text === pattern;
}

/** The mesh's own trust domains stand for each other; `cluster.local` is one of them whatever the mesh is called. */
function isPrincipal(pattern: string, { call, mesh }: Context): boolean {
  if (call.peer === undefined) return false;
  const { trustDomain, namespace, account } = call.peer;
  const own = [mesh.trustDomain, ...mesh.trustDomainAliases];
  const spelled = own.includes(trustDomain) ? ["cluster.local", ...own] : [trustDomain];
  return spelled.some((domain) => like(pattern, `${domain}/ns/${namespace}/sa/${account}`));
}

function isAccount(value: string, { call, namespace }: Context): boolean {
  if (call.peer === undefined) return false;
  const [first, second] = value.split("/");
  const wanted = second === undefined ? [namespace, first] : [first, second];
  return call.peer.namespace === wanted[0] && call.peer.account === wanted[1];
}

function isPath(pattern: string, path: string): boolean {
  const segments = pattern.split("/");
  if (!segments.includes("{*}") && !segments.includes("{**}")) return like(pattern, path);
  return segmentsHold(segments, path.split("/"));
}

/** `{*}` is one segment that is not empty, `{**}` any number of them, none included. */
function segmentsHold(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return path.length === 0;
  if (first === "{**}") return path.some((_, index) => segmentsHold(rest, path.slice(index + 1)));
  const [head, ...tail] = path;
  if (head === undefined) return false;
  return (first === "{*}" ? head !== "" : head === first) && segmentsHold(rest, tail);
}

function inBlock(block: string, address: string): boolean {
  const number = (ip: string) => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const [base = "", bits = "32"] = block.split("/");
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(base) / size) === Math.floor(number(address) / size);
}
