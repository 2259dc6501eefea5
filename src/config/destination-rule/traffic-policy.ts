// TrafficPolicy: what applies to connections to a service (istio.networking.v1alpha3.TrafficPolicy).

import { parseIp } from "../../kernel/ip-address.ts";
import { duration } from "../duration.ts";
import { isDnsName } from "../host-name.ts";
import { integer, list, number, object, oneOfStrings, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, broken, type Report } from "../virtual-service/finding.ts";
import { portNumber, portSelector } from "../virtual-service/port.ts";
import { notBlank, notNegativeDuration } from "./bounds.ts";
import { checkClientTls, clientTls } from "./client-tls.ts";
import { connectionPool } from "./connection-pool.ts";
import { checkLoadBalancer, loadBalancerSchema } from "./load-balancer.ts";
import { outlierDetectionSchema } from "./outlier-detection.ts";

const shared = {
  loadBalancer: loadBalancerSchema,
  connectionPool: connectionPool("Limits on connections and requests to the service."),
  outlierDetection: outlierDetectionSchema,
  tls: clientTls("TLS towards the service; mutual TLS between sidecars needs no setting here."),
};

const needsPort: Rule<{ port?: unknown }> = {
  message: "a port is needed",
  at: "port",
  test: ({ port }) => port !== undefined,
};

const saysSomething: Rule<Record<string, unknown>> = {
  message: "at least one setting beside the port is needed",
  test: (policy) => Object.keys(shared).some((field) => policy[field] !== undefined),
};

const portTrafficPolicy = object(
  { port: portSelector("Port of the service that the settings are for."), ...shared },
  {
    description: "Settings for one port, in place of all settings of the service: what it leaves out has its default.",
    rules: [needsPort, saysSomething],
  },
);

export type PortTrafficPolicy = SpecOf<typeof portTrafficPolicy>;

const tunnelProtocol: Rule<string> = {
  message: "must be CONNECT or POST",
  test: (protocol) => protocol === "" || protocol === "CONNECT" || protocol === "POST",
};

const tunnelTarget: Rule<string> = {
  message: "must be a DNS name or an IP address",
  test: (host) => isDnsName(host) || parseIp(host) !== undefined,
};

const tunnel = object(
  {
    protocol: string({
      description: "Method that opens the tunnel: CONNECT or POST.",
      default: "CONNECT",
      rules: [tunnelProtocol],
    }),
    targetHost: string({ description: "Host at the end of the tunnel.", rules: [tunnelTarget] }),
    targetPort: portNumber({ description: "Port at the end of the tunnel." }),
  },
  {
    description: "Sends TCP through an HTTP tunnel.",
    required: ["targetHost", "targetPort"],
    pending: true,
  },
);

const proxyProtocol = object(
  { version: oneOfStrings(["V1", "V2"], { description: "Version of the PROXY protocol.", default: "V1" }) },
  { description: "Puts a PROXY protocol header in front of connections.", pending: true },
);

const retryBudget = object(
  {
    percent: number({
      description: "Most retries in flight, percent of the requests in flight.",
      minimum: 0,
      maximum: 100,
      default: 20,
    }),
    minRetryConcurrency: integer("uint32", { description: "Retries in flight that are always allowed.", default: 3 }),
    budgetInterval: duration({
      description: "Time over which requests are counted; those in flight where absent.",
      rules: [notNegativeDuration],
    }),
  },
  { description: "Limits retries to a share of the traffic.", pending: true },
);

const oneWrapping: Rule<{ tunnel?: unknown; proxyProtocol?: unknown }> = {
  message: "tunnel and proxyProtocol cannot be combined",
  at: "proxyProtocol",
  test: (policy) => policy.tunnel === undefined || policy.proxyProtocol === undefined,
};

/** @param description whose connections the policy is about */
export function trafficPolicy(description: string) {
  return object(
    {
      ...shared,
      portLevelSettings: list(portTrafficPolicy, {
        description: "Settings for single ports of the service.",
        maxItems: 4096,
      }),
      tunnel,
      proxyProtocol,
      retryBudget,
    },
    { description, rules: [notBlank, oneWrapping] },
  );
}

export type TrafficPolicy = SpecOf<ReturnType<typeof trafficPolicy>>;

export function checkTrafficPolicy(policy: TrafficPolicy, at: At, report: Report): void {
  checkSettings(policy, at, report);
  const seen = new Set<number>();
  for (const [index, settings] of (policy.portLevelSettings ?? []).entries()) {
    const here = [...at, "portLevelSettings", index];
    const port = settings.port?.number ?? 0;
    if (seen.has(port)) report(broken([...here, "port", "number"], `port ${port} has settings already`));
    seen.add(port);
    checkSettings(settings, here, report);
  }
}

function checkSettings(settings: Omit<PortTrafficPolicy, "port">, at: At, report: Report): void {
  if (settings.loadBalancer !== undefined) checkLoadBalancer(settings.loadBalancer, [...at, "loadBalancer"], report);
  if (settings.tls !== undefined) checkClientTls(settings.tls, [...at, "tls"], report);
}
