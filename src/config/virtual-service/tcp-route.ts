// TCPRoute: one rule of a VirtualService for opaque TCP (istio.networking.v1alpha3.TCPRoute).
import { list, object, type Rule, type SpecOf, string } from "../schema.ts";
import { connectionMatchFields } from "./connection-match.ts";
import { destination } from "./destination.ts";
import { ipSubnet } from "./ip-subnet.ts";
import { routeWeight, weightRules } from "./route-weight.ts";

/** A weighted destination of a connection (istio.networking.v1alpha3.RouteDestination), also of TLS rules. */
export const routeDestinationSchema = object(
  { destination: destination("Service that gets the connection."), weight: routeWeight() },
  { description: "A weighted destination.", required: ["destination"] },
);

export type RouteDestination = SpecOf<typeof routeDestinationSchema>;

export const tcpMatchSchema = object(
  {
    ...connectionMatchFields,
    sourceSubnet: string({
      description: "CIDR block that the client connects from.",
      rules: [ipSubnet],
    }),
  },
  { description: "Conditions that must all hold." },
);

export type TcpMatch = SpecOf<typeof tcpMatchSchema>;

/** Envoy needs somewhere to send the connection. */
export const hasDestination: Rule<{ route?: unknown[] }> = {
  message: "at least one destination is needed",
  at: "route",
  test: ({ route = [] }) => route.length > 0,
};

export const tcpRouteSchema = object(
  {
    match: list(tcpMatchSchema, {
      description: "Connections the rule is for; one match suffices. Without any, the rule is for every connection.",
    }),
    route: list(routeDestinationSchema, {
      description: "Destinations that share the connections by weight.",
      rules: [...weightRules],
    }),
  },
  { description: "A rule for TCP connections; the first whose match holds decides.", rules: [hasDestination] },
);

export type TcpRoute = SpecOf<typeof tcpRouteSchema>;
