// What a VirtualService names must exist: gateways, delegates, destinations, their ports and subsets.
import { nearestWord } from "../spelling.ts";
import type { Destination } from "../virtual-service/destination.ts";
import type { VirtualService } from "../virtual-service/virtual-service.ts";
import { type AnalyzedObject, analysisCodes, type Report } from "./analyzed-object.ts";
import { defineCheckOfEach } from "./check.ts";
import { covers, type KnownServices, servicesFor } from "./known-services.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { type AnalysisSettings, fullHost } from "./settings.ts";
import { sees } from "./visibility.ts";

const reads = ["gatewayNames", "virtualServiceNames", "services", "rules"] as const;
type Index = Pick<MeshIndex, (typeof reads)[number]>;

export const virtualServiceReferences = defineCheckOfEach({
  of: "virtualServices",
  reads,
  find(on, index, { settings, report }) {
    checkGateways(index.gatewayNames, on, report);
    checkDelegates(index.virtualServiceNames, on, report);
    for (const { destination, path } of destinationsOf(on.object.spec)) {
      checkDestination(index, settings, on, destination, path, report);
    }
  },
});

function checkGateways(names: ReadonlySet<string>, on: AnalyzedObject<VirtualService>, report: Report): void {
  for (const [at, gateway] of (on.object.spec?.gateways ?? []).entries()) {
    if (gateway === "mesh") continue;
    const name = gateway.includes("/") ? gateway : `${on.object.metadata.namespace}/${gateway}`;
    if (names.has(name)) continue;
    report({
      on,
      code: analysisCodes.referenceNotFound,
      path: `spec.gateways[${at}]`,
      message: `there is no Gateway ${name}`,
      missing: `Gateway ${name}`,
      remedy: "Create it, correct the name, or write mesh for all sidecars.",
    });
  }
}

function checkDelegates(names: ReadonlySet<string>, on: AnalyzedObject<VirtualService>, report: Report): void {
  for (const [at, rule] of (on.object.spec?.http ?? []).entries()) {
    if (rule.delegate?.name === undefined) continue;
    const name = `${rule.delegate.namespace || on.object.metadata.namespace}/${rule.delegate.name}`;
    if (names.has(name)) continue;
    report({
      on,
      code: analysisCodes.referenceNotFound,
      path: `spec.http[${at}].delegate`,
      message: `there is no VirtualService ${name}`,
      missing: `VirtualService ${name}`,
      remedy: "Create it, or correct the name.",
    });
  }
}

interface PlacedDestination {
  destination: Destination;
  path: string;
}

function destinationsOf(spec: VirtualService | undefined): PlacedDestination[] {
  const found: PlacedDestination[] = [];
  for (const [at, rule] of (spec?.http ?? []).entries()) {
    const path = `spec.http[${at}]`;
    for (const [i, { destination }] of (rule.route ?? []).entries()) {
      found.push({ destination, path: `${path}.route[${i}].destination` });
    }
    if (rule.mirror !== undefined) found.push({ destination: rule.mirror, path: `${path}.mirror` });
    for (const [i, { destination }] of (rule.mirrors ?? []).entries()) {
      found.push({ destination, path: `${path}.mirrors[${i}].destination` });
    }
  }
  for (const list of ["tcp", "tls"] as const) {
    for (const [at, rule] of (spec?.[list] ?? []).entries()) {
      for (const [i, { destination }] of (rule.route ?? []).entries()) {
        found.push({ destination, path: `spec.${list}[${at}].route[${i}].destination` });
      }
    }
  }
  return found;
}

function checkDestination(
  index: Index,
  settings: AnalysisSettings,
  on: AnalyzedObject<VirtualService>,
  destination: Destination,
  path: string,
  report: Report,
): void {
  const { namespace } = on.object.metadata;
  const host = fullHost(destination.host, namespace, settings);
  const services = servicesFor(index.services, host, namespace);
  if (services.length === 0) {
    report({
      on,
      code: analysisCodes.referenceNotFound,
      path: `${path}.host`,
      ...missingHost(index.services, host, namespace),
    });
    return;
  }
  checkPort(
    on,
    destination,
    host,
    [...new Set(services.flatMap(({ ports }) => ports.map((port) => port.number)))],
    path,
    report,
  );
  if (destination.subset !== undefined) checkSubset(index.rules, on, destination.subset, host, path, report);
}

function missingHost(
  services: KnownServices,
  host: string,
  namespace: string,
): { message: string; remedy: string; missing?: string } {
  const hidden = servicesFor(services, host)[0];
  if (hidden !== undefined) {
    return {
      message: `the service ${host} is not exported to namespace ${namespace}`,
      remedy: `Add ${namespace} to exportTo of ServiceEntry ${hidden.namespace}/${hidden.on.object.metadata.name}.`,
    };
  }
  const nearest = nearestHost(services, host);
  return {
    message: `there is no service with the host ${host}; requests to it fail with 503`,
    missing: `service with the host ${host}`,
    remedy: nearest === undefined ? "Create a ServiceEntry for it, or correct the host." : `Did you mean ${nearest}?`,
  };
}

/** A host that differs from this one in its first label only, and little. */
function nearestHost({ byHost }: KnownServices, host: string): string | undefined {
  if (byHost.size > suggestionLimit) return undefined;
  const rest = host.slice(host.indexOf("."));
  const labels = [...byHost.keys()]
    .filter((known) => known.endsWith(rest))
    .map((known) => known.slice(0, -rest.length));
  const nearest = nearestWord(host.slice(0, -rest.length), labels);
  return nearest === undefined ? undefined : `${nearest}${rest}`;
}

/** With more hosts than this, none is suggested: each is compared letter by letter. */
const suggestionLimit = 200;

function checkPort(
  on: AnalyzedObject,
  destination: Destination,
  host: string,
  ports: readonly number[],
  path: string,
  report: Report,
): void {
  const number = destination.port?.number;
  if (number === undefined && ports.length > 1) {
    report({
      on,
      code: analysisCodes.portRequired,
      path,
      message: `${host} has the ports ${ports.slice(0, 10).join(", ")}, and the destination names none`,
      remedy: "Add port.number.",
    });
  } else if (number !== undefined && ports.length > 0 && !ports.includes(number)) {
    report({
      on,
      code: analysisCodes.referenceNotFound,
      path: `${path}.port.number`,
      message: `${host} has no port ${number}; it has ${ports.slice(0, 10).join(", ")}`,
      remedy: "Correct the port, or add it to the service.",
    });
  }
}

function checkSubset(
  rules: MeshIndex["rules"],
  on: AnalyzedObject,
  subset: string,
  host: string,
  path: string,
  report: Report,
): void {
  const { namespace } = on.object.metadata;
  const fitting = [...(rules.byHost.get(host) ?? []), ...rules.wildcards.filter((rule) => covers(rule.host, host))];
  const known = fitting.filter((rule) => sees(rule.visible, namespace)).flatMap((rule) => rule.subsets);
  if (known.includes(subset)) return;
  const nearest = nearestWord(subset, known);
  report({
    on,
    code: analysisCodes.referenceNotFound,
    path: `${path}.subset`,
    message: `no DestinationRule for ${host} has a subset ${subset}; requests to it fail with 503`,
    missing: `DestinationRule for ${host} with a subset ${subset}`,
    remedy:
      nearest === undefined ? "Add the subset to a DestinationRule, or correct the name." : `Did you mean ${nearest}?`,
  });
}
