// What the schema cannot say about a ServiceEntry: names, addresses and endpoints that fit each other.

import { parseIp } from "../../kernel/ip-address.ts";
import { configCodes } from "../errors.ts";
import { checkExportTo } from "../export-to.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import { isDnsLabel, isWildcard, isWildcardOrDnsName } from "../host-name.ts";
import { addressScope, parseCidrRange } from "../ip-address.ts";
import type { Finding } from "../kind.ts";
import { carriesHost, parseProtocol, protocolOfName, protocolWords } from "../port-protocol.ts";
import { checkWorkload } from "../workload-entry/check-workload.ts";
import type { ServiceEntry } from "./service-entry-schema.ts";

type Report = (
  severity: Finding["severity"],
  path: readonly PathSegment[],
  message: string,
  remedy: string,
  code?: string,
) => void;

export function checkServiceEntry(spec: ServiceEntry): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (severity, path, message, remedy, code = configCodes.ruleBroken) => {
    findings.push({ severity, code, message, remedy, path: formatPath(["spec", ...path]) });
  };
  checkHosts(spec, report);
  checkAddresses(spec, report);
  checkPorts(spec, report);
  checkResolution(spec, report);
  findings.push(...checkEndpoints(spec, report));
  findings.push(...checkExportTo(spec.exportTo, { mayHide: true }));
  for (const [index, name] of (spec.subjectAltNames ?? []).entries()) {
    if (name === "") report("error", ["subjectAltNames", index], "must not be empty", "Remove it.");
  }
  return findings;
}

function checkHosts(spec: ServiceEntry, report: Report): void {
  const seen = new Set<string>();
  for (const [index, host] of spec.hosts.entries()) {
    if (!isWildcardOrDnsName(host)) {
      report(
        "error",
        ["hosts", index],
        "is not a valid host name",
        "Write a DNS name; only its first label may be a wildcard, as in *.example.com.",
      );
    }
    const name = host.toLowerCase();
    if (seen.has(name)) report("warning", ["hosts", index], "is listed twice", "Remove one of the two.");
    seen.add(name);
  }
}

function checkAddresses(spec: ServiceEntry, report: Report): void {
  for (const [index, address] of (spec.addresses ?? []).entries()) {
    const ip = parseIp(address) ?? parseCidrRange(address)?.network;
    if (ip === undefined) {
      report("error", ["addresses", index], "must be an IP address or a CIDR range", "Write 10.0.0.1 or 10.0.0.0/8.");
      continue;
    }
    const scope = addressScope(ip);
    if (!address.includes("/") && (scope === "unspecified" || scope === "multicast" || scope === "broadcast")) {
      report(
        "error",
        ["addresses", index],
        `the ${scope} address cannot be a service`,
        "Use an address that clients call.",
      );
    }
  }
}

function checkPorts(spec: ServiceEntry, report: Report): void {
  const ports = spec.ports ?? [];
  if (ports.length === 0) {
    report("warning", ["ports"], "without ports the service takes no traffic", "List the ports that clients call.");
  }
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    if (!isDnsLabel(port.name)) {
      report("error", ["ports", index, "name"], "is not a valid port name", "Use letters, digits and '-', at most 63.");
    }
    if (names.has(port.name)) {
      report("error", ["ports", index, "name"], "port name cannot be duplicated", "Give each port its own name.");
    }
    names.add(port.name);
    if (port.protocol !== undefined && port.protocol !== "") {
      if (parseProtocol(port.protocol) === undefined) {
        report(
          "error",
          ["ports", index, "protocol"],
          "unsupported protocol",
          `Use one of ${protocolWords.join(", ")}.`,
        );
      }
    } else if (protocolOfName(port.name) === undefined) {
      report(
        "info",
        ["ports", index, "name"],
        "neither protocol nor name says what the port speaks, so its bytes pass as TCP",
        "Set protocol, or start the name with it: http-web.",
        "IST0118",
      );
    }
  }
  if (spec.hosts.length > 1 && (spec.resolution ?? "NONE") !== "NONE") {
    for (const [index, port] of ports.entries()) {
      if (carriesHost(port)) continue;
      report(
        "error",
        ["ports", index, "protocol"],
        "connections to several hosts cannot be told apart on a port that is neither HTTP nor TLS",
        "Write one ServiceEntry for each host.",
      );
    }
  }
}

function checkResolution(spec: ServiceEntry, report: Report): void {
  const { resolution = "NONE" } = spec;
  const endpoints = spec.endpoints ?? [];
  if (resolution === "DNS_ROUND_ROBIN" || resolution === "DYNAMIC_DNS") {
    report(
      "warning",
      ["resolution"],
      `valid, but proxies do not act on ${resolution} yet`,
      "Use DNS.",
      configCodes.notCarriedOut,
    );
  }
  if ((resolution === "DNS" || resolution === "DNS_ROUND_ROBIN") && endpoints.length === 0) {
    if (spec.workloadSelector === undefined) {
      for (const [index, host] of spec.hosts.entries()) {
        if (!isWildcard(host)) continue;
        report(
          "error",
          ["hosts", index],
          `a wildcard cannot be resolved by resolution ${resolution} without endpoints`,
          "Name the hosts, list endpoints, or use resolution NONE.",
        );
      }
    }
  }
  if (resolution === "STATIC" && endpoints.length === 0 && spec.workloadSelector === undefined) {
    report(
      "warning",
      ["resolution"],
      "STATIC without endpoints takes no traffic",
      "List endpoints or a workloadSelector.",
    );
  }
  if (spec.workloadSelector !== undefined) {
    if (resolution === "NONE") {
      report("warning", ["workloadSelector"], "has no effect with resolution NONE", "Set resolution: STATIC.");
    }
    if (Object.keys(spec.workloadSelector.labels ?? {}).length === 0) {
      report(
        "warning",
        ["workloadSelector"],
        "without labels it selects every workload of the namespace",
        "Name the labels of the workloads.",
      );
    }
  }
}

function checkEndpoints(spec: ServiceEntry, report: Report): Finding[] {
  const isStatic = spec.resolution === "STATIC";
  const portNames = new Set((spec.ports ?? []).map((port) => port.name));
  const findings: Finding[] = [];
  let weights = 0;
  for (const [index, endpoint] of (spec.endpoints ?? []).entries()) {
    findings.push(...checkWorkload(endpoint, ["spec", "endpoints", index], { dnsName: !isStatic, socket: isStatic }));
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (portNames.has(name)) continue;
      report(
        "error",
        ["endpoints", index, "ports", name],
        "is not a port of the service",
        `Use one of ${[...portNames].join(", ")}.`,
      );
    }
    if ((endpoint.address ?? "").startsWith("unix://") && portNames.size !== 1) {
      report(
        "error",
        ["endpoints", index, "address"],
        "a socket needs a service with exactly one port",
        "Write one ServiceEntry for each port.",
      );
    }
    weights += endpoint.weight ?? 1;
  }
  // envoy.config.endpoint.v3.LocalityLbEndpoints: the sum of the weights must fit uint32.
  if (weights > 2 ** 32 - 1) {
    report("error", ["endpoints"], "the weights add up to more than 4294967295", "Make the weights smaller.");
  }
  return findings;
}
