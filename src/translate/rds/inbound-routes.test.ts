import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundPort } from "../../model/inbound-view.ts";
import type { Protocol } from "../../model/protocol.ts";
import { buildInboundRoutes } from "./inbound-routes.ts";

function retryOn(protocol: Protocol): string | undefined {
  const port: InboundPort = {
    port: 8080,
    protocol,
    mode: "STRICT",
    host: "a.shop.svc.cluster.local",
    serviceName: "a",
    serviceNamespace: "shop",
  };
  const action = buildInboundRoutes(port).virtualHosts[0]?.routes[0]?.action;
  return action?.case === "route" ? action.value.retryPolicy?.retryOn : "no route";
}

describe("inbound routes", () => {
  it("try again what never reached the application", () => {
    for (const protocol of ["http", "http2"] as const) assert.equal(retryOn(protocol), "reset-before-request");
  });

  it("try nothing again on gRPC ports, whose streams Envoy cannot repeat", () => {
    for (const protocol of ["grpc", "grpc-web"] as const) assert.equal(retryOn(protocol), undefined);
  });
});
