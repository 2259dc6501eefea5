// VirtualService (networking.istio.io): how requests for a host are routed.

import { parseIp } from "../../kernel/ip-address.ts";
import { checkExportTo, exportToList } from "../export-to.ts";
import { defineKind, type Finding } from "../kind.ts";
import type { ApiObject } from "../object.ts";
import { list, object, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, broken, collectFindings, notCarriedOut, type Report } from "./finding.ts";
import { gatewayName, meshGateway } from "./gateway-name.ts";
import { hostPatterns, isHostPattern } from "./host-rule.ts";
import { checkHttpRoute, httpRouteSchema } from "./http-route.ts";
import { tcpRouteSchema } from "./tcp-route.ts";
import { checkTlsRoute, tlsRouteSchema } from "./tls-route.ts";
import { checkReachability } from "./unreachable-rule.ts";

const hostOrAddress: Rule<string> = {
  message: "must be a DNS name, with a wildcard at its beginning at most, or an IP address",
  test: (host) => isHostPattern(host) || parseIp(host) !== undefined,
};

const hasRules: Rule<{ http?: unknown[]; tcp?: unknown[]; tls?: unknown[] }> = {
  message: "at least one of http, tcp, tls must have a rule",
  test: ({ http = [], tcp = [], tls = [] }) => http.length + tcp.length + tls.length > 0,
};

const hasHosts: Rule<{ hosts?: unknown[] }> = {
  message: "at least one host is needed",
  at: "hosts",
  test: ({ hosts = [] }) => hosts.length > 0,
};

export const virtualServiceSchema = object(
  {
    hosts: list(string({ description: "A DNS name, `*.suffix` or an IP address.", rules: [hostOrAddress] }), {
      description:
        "Hosts the rules are for: names that clients call. A short name is read in the object's own namespace.",
    }),
    gateways: list(string({ rules: [gatewayName] }), {
      description: "Where the rules apply: mesh for all sidecars, or names of Gateways.",
      default: [meshGateway],
    }),
    http: list(httpRouteSchema, {
      description: "Rules for HTTP and gRPC, tried in order.",
    }),
    tls: list(tlsRouteSchema, {
      description: "Rules for TLS that is passed through; the most specific match decides.",
    }),
    tcp: list(tcpRouteSchema, {
      description: "Rules for ports that are neither HTTP nor TLS, tried in order.",
    }),
    exportTo: exportToList("rules"),
  },
  { rules: [hasHosts, hasRules] },
);

export type VirtualService = SpecOf<typeof virtualServiceSchema>;

export const virtualServiceKind = defineKind<VirtualService>({
  kind: "VirtualService",
  group: "networking.istio.io",
  plural: "virtualservices",
  singular: "virtualservice",
  shortNames: ["vs"],
  versions: ["v1", "v1alpha3", "v1beta1"],
  scope: "Namespaced",
  description:
    "How requests for a host are routed: matches, weights, retries, timeouts, redirects, rewrites and faults.",
  schema: virtualServiceSchema,
  root: "spec",
  columns: [
    { name: "Gateways", type: "string", jsonPath: ".spec.gateways", description: "Where the rules apply." },
    { name: "Hosts", type: "string", jsonPath: ".spec.hosts", description: "Hosts the rules are for." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
  check: checkVirtualService,
});

function checkVirtualService(object: ApiObject<VirtualService>): Finding[] {
  const { hosts = [], gateways = [], http = [], tls = [], exportTo } = object.spec ?? {};
  const appliesToMesh = gateways.length === 0 || gateways.includes(meshGateway);
  return collectFindings((report) => {
    if (!appliesToMesh) {
      const message = "the rules are for gateways only, which are not served yet; no sidecar uses them";
      report(notCarriedOut(["spec", "gateways"], message, `Add ${meshGateway} to apply them to sidecars.`));
    }
    checkHosts(hosts, appliesToMesh, ["spec", "hosts"], report);
    for (const [index, rule] of http.entries()) checkHttpRoute(rule, ["spec", "http", index], report);
    const patterns = hostPatterns(hosts);
    for (const [index, rule] of tls.entries()) checkTlsRoute(rule, patterns, ["spec", "tls", index], report);
    for (const found of checkExportTo(exportTo, { mayHide: false })) report(found);
    checkReachability(http, ["spec", "http"], report);
  });
}

function checkHosts(hosts: readonly string[], appliesToMesh: boolean, at: At, report: Report): void {
  const seen = new Set<string>();
  for (const [index, host] of hosts.entries()) {
    const here = [...at, index];
    if (seen.has(host.toLowerCase())) report(broken(here, "is listed twice", "Remove one."));
    seen.add(host.toLowerCase());
    if (host === "*" && appliesToMesh) {
      const remedy = "Name the hosts, or apply the object to gateways only.";
      report(broken(here, "the host * is for gateways only; it would take over the whole mesh", remedy));
    }
  }
}
