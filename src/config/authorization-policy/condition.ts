// Condition: one attribute of the call and the values it may have (istio.security.v1beta1.Condition).
import { list, object, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, broken, notCarriedOut, type Report } from "../virtual-service/finding.ts";
import { isHeaderName } from "../virtual-service/header-name.ts";
import { isIpSubnet } from "../virtual-service/ip-subnet.ts";
import { checkWildcards } from "./match-value.ts";
import { isPortText } from "./operation.ts";

const hasValues: Rule<{ values?: string[]; notValues?: string[] }> = {
  message: "at least one of values, notValues must have a value",
  test: ({ values = [], notValues = [] }) => values.length + notValues.length > 0,
};

export const conditionSchema = object(
  {
    key: string({
      description:
        "The attribute: request.headers[name], source.ip, source.namespace, source.principal, destination.ip, destination.port, connection.sni and others of Istio.",
    }),
    values: list(string(), { description: "Values of which the attribute must have one; all allowed where absent." }),
    notValues: list(string(), { description: "Values of which the attribute must have none." }),
  },
  { description: "A condition on one attribute.", required: ["key"], rules: [hasValues] },
);

export type Condition = SpecOf<typeof conditionSchema>;

type ValueForm = "pattern" | "address" | "port";

/** Attributes that proxies look at. */
const carriedOut: ReadonlyMap<string, ValueForm> = new Map([
  ["source.ip", "address"],
  ["source.namespace", "pattern"],
  ["source.principal", "pattern"],
  ["destination.ip", "address"],
  ["destination.port", "port"],
  ["connection.sni", "pattern"],
]);

/** Attributes of Istio that proxies do not look at yet. */
const pending: ReadonlyMap<string, ValueForm> = new Map([
  ["remote.ip", "address"],
  ["source.serviceAccount", "pattern"],
  ["source.trustDomain", "pattern"],
  ["request.auth.principal", "pattern"],
  ["request.auth.audiences", "pattern"],
  ["request.auth.presenter", "pattern"],
]);

/** Attributes with a name in brackets, `request.auth.claims[a][b]`. */
const bracketed =
  /^(request\.headers|request\.auth\.claims|experimental\.envoy\.filters\.[a-z0-9_.]+)((?:\[[^[\]]+\])+)$/;

/** The header of `request.headers[name]`; undefined for any other key. */
export function headerOfKey(key: string): string | undefined {
  return /^request\.headers\[([^[\]]+)\]$/.exec(key)?.[1];
}

/** True for attributes that proxies look at. */
export function isCarriedOutKey(key: string): boolean {
  return carriedOut.has(key) || headerOfKey(key) !== undefined;
}

export function checkCondition(condition: Condition, at: At, report: Report): void {
  const { key } = condition;
  const keyAt = [...at, "key"];
  const form = carriedOut.get(key) ?? pending.get(key) ?? (bracketed.test(key) ? "pattern" : undefined);
  const header = headerOfKey(key);
  if (key.startsWith("request.headers") && (header === undefined || !isHeaderName(header))) {
    report(broken(keyAt, "needs the name of one header in brackets", "Write request.headers[x-name]."));
  } else if (form === undefined) {
    report(broken(keyAt, "is not an attribute that Istio knows", "Correct its spelling."));
  } else {
    for (const field of ["values", "notValues"] as const) checkValues(condition[field], form, [...at, field], report);
    if (!isCarriedOutKey(key)) {
      report(notCarriedOut(keyAt, "valid, but proxies do not look at this attribute yet"));
    }
  }
}

function checkValues(values: readonly string[] | undefined, form: ValueForm, at: At, report: Report): void {
  if (form === "pattern") checkWildcards(values, at, report);
  for (const [index, value] of (values ?? []).entries()) {
    if (form === "address" && !isIpSubnet(value)) {
      report(broken([...at, index], "must be an IP address or a CIDR block such as 10.0.0.0/8"));
    } else if (form === "port" && !isPortText(value)) {
      report(broken([...at, index], "must be a port between 1 and 65535"));
    }
  }
}
