// One workload: the part that WorkloadEntry, ServiceEntry.endpoints and WorkloadGroup.template share
// (istio.networking.v1.WorkloadEntry).
import { integer, map, object, type Rule, type SpecOf, string } from "../schema.ts";

const portInRange: Rule<number> = {
  message: "port must be between 1-65535",
  test: (port) => port > 0 && port <= 65535,
};

/** A port number as Istio's CRDs bound it. */
export function portNumber(description: string) {
  return integer("uint32", { description, rules: [portInRange] });
}

const portNames: Rule<Record<string, number>> = {
  message: "port name must be valid",
  test: (ports) =>
    Object.keys(ports).every((name) => name.length < 63 && /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(name)),
};

const socketPath: Rule<string> = {
  message: "UDS must be an absolute path or abstract socket",
  test: (address) => !address.startsWith("unix://") || address[7] === "/" || address[7] === "@",
};

const socketNotFolder: Rule<string> = {
  message: "UDS may not be a dir",
  test: (address) => !address.startsWith("unix://") || !address.endsWith("/"),
};

interface Addressed {
  address?: string;
  network?: string;
  ports?: object;
}

const socketWithoutPorts: Rule<Addressed> = {
  message: "UDS may not include ports",
  at: "ports",
  test: (workload) => !(workload.address ?? "").startsWith("unix://") || workload.ports === undefined,
};

const addressRequired: Rule<Addressed> = {
  message: "Address is required",
  at: "address",
  test: (workload) => workload.address !== undefined || workload.network !== undefined,
};

/** @param options.address whether the workload must have an address (a template gets it when a machine joins) */
export function workload(options: { address: "required" | "optional"; description?: string }) {
  return object(
    {
      address: string({
        maxLength: 256,
        rules: [socketPath, socketNotFolder],
        description:
          "Where the workload listens: an IP address, a DNS name, or unix:///path for a socket on the proxy's machine.",
      }),
      ports: map(portNumber("The port the workload listens on."), {
        maxProperties: 128,
        rules: [portNames],
        description:
          "Ports by the name of the service port, where they differ from the service's targetPort or number.",
      }),
      labels: map(string({ description: "The value of the label." }), {
        maxProperties: 256,
        description: "Labels that selectors and subsets match.",
      }),
      network: string({
        maxLength: 2048,
        pending: true,
        description: "The network the address belongs to. Machines on other networks go through its gateway.",
      }),
      locality: string({
        maxLength: 2048,
        description: "Where the workload stands, as region/zone/subzone. Proxies prefer endpoints that are near.",
      }),
      weight: integer("uint32", {
        description: "Share of the traffic relative to the other endpoints. By default all get the same.",
      }),
      serviceAccount: string({
        maxLength: 253,
        description:
          "The service account in the object's namespace that the workload runs as; default where none is named. Callers expect its certificate to carry that identity.",
      }),
    },
    {
      rules: [socketWithoutPorts, ...(options.address === "required" ? [addressRequired] : [])],
      ...(options.description === undefined ? {} : { description: options.description }),
    },
  );
}

export type Workload = SpecOf<ReturnType<typeof workload>>;
