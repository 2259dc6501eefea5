// The schema of ServiceEntry.spec, with the rules that Istio's CRD declares (istio.networking.v1.ServiceEntry).
import { exportToList } from "../export-to.ts";
import { list, map, object, oneOfStrings, type Rule, type SpecOf, string } from "../schema.ts";
import { portNumber, workload } from "../workload-entry/workload.ts";

const notBareWildcard: Rule<string> = {
  message: "hostname cannot be wildcard",
  test: (host) => host !== "*",
};

const plainLabel: Rule<string> = {
  message: "wildcard is not supported in selector",
  test: (value) => !value.includes("*"),
};

const distinctNumbers: Rule<readonly { number: number }[]> = {
  message: "port number cannot be duplicated",
  test: (ports) => new Set(ports.map((port) => port.number)).size === ports.length,
};

interface Spec {
  addresses?: readonly string[];
  endpoints?: readonly unknown[];
  resolution?: string;
  workloadSelector?: unknown;
}

const endpointsOrSelector: Rule<Spec> = {
  message: "only one of WorkloadSelector or Endpoints can be set",
  at: "workloadSelector",
  test: (spec) => spec.workloadSelector === undefined || spec.endpoints === undefined,
};

const rangesNeedNoDns: Rule<Spec> = {
  message: "CIDR addresses are allowed only for NONE/STATIC resolution types",
  at: "addresses",
  test: (spec) =>
    !(spec.addresses ?? []).some((address) => address.includes("/")) ||
    ["NONE", "STATIC"].includes(spec.resolution ?? "NONE"),
};

const noneWithoutEndpoints: Rule<Spec> = {
  message: "NONE mode cannot set endpoints",
  at: "endpoints",
  test: (spec) => (spec.resolution ?? "NONE") !== "NONE" || spec.endpoints === undefined,
};

const roundRobinOneEndpoint: Rule<Spec> = {
  message: "DNS_ROUND_ROBIN mode cannot have multiple endpoints",
  at: "endpoints",
  test: (spec) => spec.resolution !== "DNS_ROUND_ROBIN" || (spec.endpoints ?? []).length <= 1,
};

const servicePort = () =>
  object(
    {
      number: portNumber("The port that clients call."),
      protocol: string({
        maxLength: 256,
        description:
          "What the port speaks: HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP or TLS. Without it the start of the name says so (http-web), else its bytes pass as TCP.",
      }),
      name: string({ maxLength: 256, description: "Name of the port, unique in the object." }),
      targetPort: portNumber("The port that endpoints listen on. By default the same number."),
    },
    { required: ["number", "name"] },
  );

export const serviceEntrySchema = object(
  {
    hosts: list(string({ rules: [notBareWildcard] }), {
      minItems: 1,
      maxItems: 256,
      description: "Names of the service. The first label may be a wildcard: *.example.com.",
    }),
    addresses: list(string({ maxLength: 64 }), {
      maxItems: 256,
      description:
        "Virtual addresses of the service, IP or CIDR. Without them the mesh gives each host one, which its DNS answers with.",
    }),
    ports: list(servicePort(), {
      maxItems: 256,
      mapKeys: ["name"],
      rules: [distinctNumbers],
      description: "Ports of the service.",
    }),
    location: oneOfStrings(["MESH_EXTERNAL", "MESH_INTERNAL"], {
      default: "MESH_EXTERNAL",
      description: "Whether the endpoints belong to the mesh (MESH_INTERNAL: mutual TLS is expected of them) or not.",
    }),
    resolution: oneOfStrings(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"], {
      default: "NONE",
      description:
        "How a proxy finds endpoints: NONE goes where the client meant to go, STATIC uses the listed or selected endpoints, DNS resolves the host or the endpoints' names, DNS_ROUND_ROBIN uses one answer at a time, DYNAMIC_DNS resolves the name of each request.",
    }),
    endpoints: list(workload({ address: "required" }), {
      maxItems: 4096,
      description: "Endpoints of the service, in place of a selector.",
    }),
    workloadSelector: object(
      {
        labels: map(string({ maxLength: 63, rules: [plainLabel] }), {
          maxProperties: 256,
          description: "Labels a workload must carry, all of them.",
        }),
      },
      { description: "Selects WorkloadEntries and machines of the namespace as endpoints, in place of a list." },
    ),
    exportTo: exportToList("service"),
    subjectAltNames: list(string(), {
      description: "Names of which the endpoints' certificates must carry one, where proxies open TLS to them.",
    }),
  },
  { required: ["hosts"], rules: [endpointsOrSelector, rangesNeedNoDns, noneWithoutEndpoints, roundRobinOneEndpoint] },
);

export type ServiceEntry = SpecOf<typeof serviceEntrySchema>;
export type ServicePort = NonNullable<ServiceEntry["ports"]>[number];
