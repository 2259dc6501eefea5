// TLSRoute: one rule of a VirtualService for TLS that is passed through (istio.networking.v1alpha3.TLSRoute).
import { list, object, type Rule, type SpecOf, string } from "../schema.ts";
import { connectionMatchFields } from "./connection-match.ts";
import { type At, broken, type Report } from "./finding.ts";
import { coversHost, type HostPatterns, hostPattern } from "./host-rule.ts";
import { weightRules } from "./route-weight.ts";
import { hasDestination, routeDestinationSchema } from "./tcp-route.ts";

const notEmpty: Rule<unknown[]> = { message: "must not be empty", test: (entries) => entries.length > 0 };

export const tlsMatchSchema = object(
  {
    sniHosts: list(string({ rules: [hostPattern] }), {
      description: "Server names (SNI) the client asks for; they must lie within the object's hosts.",
      rules: [notEmpty],
    }),
    ...connectionMatchFields,
  },
  { description: "Conditions that must all hold.", required: ["sniHosts"] },
);

export type TlsMatch = SpecOf<typeof tlsMatchSchema>;

export const tlsRouteSchema = object(
  {
    match: list(tlsMatchSchema, {
      description: "Connections the rule is for; one match suffices.",
      rules: [notEmpty],
    }),
    route: list(routeDestinationSchema, {
      description: "Destinations that share the connections by weight.",
      rules: [...weightRules],
    }),
  },
  {
    description: "A rule for TLS connections, chosen by server name without decrypting them.",
    required: ["match"],
    rules: [hasDestination],
  },
);

export type TlsRoute = SpecOf<typeof tlsRouteSchema>;

/** A server name outside the object's hosts would reach into hosts of others. */
export function checkTlsRoute(rule: TlsRoute, hosts: HostPatterns, at: At, report: Report): void {
  for (const [matchIndex, match] of rule.match.entries()) {
    for (const [index, name] of match.sniHosts.entries()) {
      if (coversHost(hosts, name)) continue;
      const here = [...at, "match", matchIndex, "sniHosts", index];
      report(broken(here, "lies outside the hosts of the object", "Add it to spec.hosts, or correct it."));
    }
  }
}
