// TCPRoute: one rule of a VirtualService for opaque TCP (istio.networking.v1alpha3.TCPRoute).
import { list, map, object, type Rule, type SpecOf, string } from "../schema.ts";
import { destination } from "./destination.ts";
import { gatewayName } from "./gateway-name.ts";
import { ipSubnet } from "./ip-subnet.ts";
import { portNumber } from "./port.ts";
import { routeWeight, weightRules } from "./route-weight.ts";

/** A weighted destination of a connection (istio.networking.v1alpha3.RouteDestination), also of TLS rules. */
export const routeDestinationSchema = object(
  { destination: destination("Service that gets the connection."), weight: routeWeight() },
  { description: "A weighted destination.", required: ["destination"] },
);

export type RouteDestination = SpecOf<typeof routeDestinationSchema>;

export const tcpMatchSchema = object(
  {
    destinationSubnets: list(string({ rules: [ipSubnet] }), {
      description: "Addresses or CIDR blocks that the client connects to.",
    }),
    port: portNumber({ description: "Port of the service that the client connects to." }),
    sourceLabels: map(string({ description: "Value of the label." }), {
      description: "Labels that the calling workload must carry.",
    }),
    gateways: list(string({ rules: [gatewayName] }), {
      description: "Gateways the match is for, in place of the object's own list.",
    }),
    sourceNamespace: string({ description: "Namespace that the calling workload must be in." }),
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
