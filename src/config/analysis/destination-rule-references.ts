// A DestinationRule must meet a service, and its subsets endpoints.
import { type AnalyzedObject, analysisCodes, type Report } from "./analyzed-object.ts";
import { carries, covers, type KnownService, type MeshIndex, servicesFor } from "./mesh-index.ts";

export function checkDestinationRuleReferences(index: MeshIndex, report: Report): void {
  for (const on of index.destinationRules) {
    const { spec, metadata } = on.object;
    if (spec === undefined) continue;
    const host = index.fullHost(spec.host, metadata.namespace);
    const services = host.startsWith("*") ? servicesUnder(index, host) : servicesFor(index, host);
    if (services.length === 0) {
      report({
        on,
        code: analysisCodes.unknownHost,
        path: "spec.host",
        message: `there is no service with the host ${host}; the rule has no effect`,
        missing: `service with the host ${host}`,
        remedy: "Create a ServiceEntry for it, or correct the host.",
      });
      continue;
    }
    checkSubsetLabels(on, spec.subsets ?? [], services, host, report);
  }
}

function servicesUnder(index: MeshIndex, pattern: string): KnownService[] {
  return [...index.services].flatMap(([host, services]) => (covers(pattern, host) ? services : []));
}

function checkSubsetLabels(
  on: AnalyzedObject,
  subsets: readonly { name: string; labels?: Readonly<Record<string, string>> }[],
  services: readonly KnownService[],
  host: string,
  report: Report,
): void {
  const endpoints = services.flatMap((service) => service.endpointLabels);
  // Endpoints that are found at run time (DNS, or machines that are not known yet) cannot be judged.
  if (endpoints.length === 0 || services.some((service) => service.endpointLabels.length === 0)) return;
  for (const [at, { name, labels = {} }] of subsets.entries()) {
    if (Object.keys(labels).length === 0 || endpoints.some((endpoint) => carries(endpoint, labels))) continue;
    const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    report({
      on,
      code: analysisCodes.subsetWithoutEndpoints,
      path: `spec.subsets[${at}].labels`,
      message: `no known endpoint of ${host} carries ${wanted.join(",")}; requests to subset ${name} fail with 503`,
      missing: `endpoint of ${host} with ${wanted.join(",")}`,
      remedy: "Correct the labels, or label the WorkloadGroup or WorkloadEntry.",
    });
  }
}
