// What TCP and TLS rules match alike (istio.networking.v1alpha3.L4MatchAttributes and TLSMatchAttributes).
import { list, map, string } from "../schema.ts";
import { gatewayName } from "./gateway-name.ts";
import { ipSubnet } from "./ip-subnet.ts";
import { portNumber } from "./port.ts";

export const connectionMatchFields = {
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
};
