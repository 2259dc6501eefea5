// A DestinationRule must meet a service, and its subsets endpoints.
import { type AnalyzedObject, analysisCodes, type Report } from "./analyzed-object.ts";
import { defineCheckOfEach } from "./check.ts";
import { covers, type KnownService, type KnownServices, servicesFor } from "./known-services.ts";
import { carries } from "./known-workloads.ts";
import { fullHost } from "./settings.ts";

export const destinationRuleReferences = defineCheckOfEach({
  of: "destinationRules",
  reads: ["services"],
  find(on, { services: known }, { settings, report }) {
    const { spec, metadata } = on.object;
    if (spec === undefined) return;
    const host = fullHost(spec.host, metadata.namespace, settings);
    const services = host.startsWith("*") ? servicesUnder(known, host) : servicesFor(known, host);
    if (services.length === 0) {
      report({
        on,
        code: analysisCodes.unknownHost,
        path: "spec.host",
        message: `there is no service with the host ${host}; the rule has no effect`,
        missing: `service with the host ${host}`,
        remedy: "Create a ServiceEntry for it, or correct the host.",
      });
      return;
    }
    checkSubsetLabels(on, spec.subsets ?? [], services, host, report);
  },
});

function servicesUnder({ byHost }: KnownServices, pattern: string): KnownService[] {
  return [...byHost].flatMap(([host, services]) => (covers(pattern, host) ? services : []));
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
