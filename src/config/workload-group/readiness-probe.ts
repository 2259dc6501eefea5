// WorkloadGroup.spec.probe (istio.networking.v1.ReadinessProbe): how an agent finds out that its workload is ready.
import { atMostOne, integer, list, object, type Rule, string } from "../schema.ts";
import { portNumber } from "../workload-entry/workload.ts";

const schemes: Rule<string> = {
  message: "scheme must be one of [HTTP, HTTPS]",
  test: (scheme) => scheme === "" || scheme === "HTTP" || scheme === "HTTPS",
};

const count = (description: string, preset: number) =>
  integer("int32", { minimum: 0, description, ...(preset === 0 ? {} : { default: preset }) });

export function readinessProbe() {
  return object(
    {
      initialDelaySeconds: count("Seconds to wait after the workload's start before the first probe.", 0),
      timeoutSeconds: count("Seconds after which a probe without an answer has failed.", 1),
      periodSeconds: count("Seconds between probes.", 10),
      successThreshold: count("Probes in a row that must succeed before a workload that failed is ready again.", 1),
      failureThreshold: count("Probes in a row that must fail before the workload is not ready.", 3),
      httpGet: object(
        {
          path: string({ description: "Path of the request.", default: "/" }),
          port: portNumber("Port the request goes to."),
          host: string({ description: "Address the request goes to. By default the workload's own." }),
          scheme: string({
            rules: [schemes],
            description: "HTTP or HTTPS; certificates are not verified.",
            default: "HTTP",
          }),
          httpHeaders: list(
            object({
              name: string({ pattern: "^[-_A-Za-z0-9]+$", description: "Name of the header." }),
              value: string({ description: "Value of the header." }),
            }),
            { description: "Headers of the request." },
          ),
        },
        { required: ["port"], description: "Ready where a GET is answered with a status from 200 to 399." },
      ),
      tcpSocket: object(
        {
          host: string({ description: "Address to connect to. By default the workload's own." }),
          port: portNumber("Port to connect to."),
        },
        { required: ["port"], description: "Ready where a TCP connection can be made." },
      ),
      exec: object(
        {
          command: list(string({ minLength: 1 }), {
            description: "The program and its arguments. No shell takes part.",
          }),
        },
        { required: ["command"], description: "Ready where the program ends with status 0." },
      ),
      grpc: object(
        {
          port: portNumber("Port of the gRPC server."),
          service: string({ description: "Service name of the health request. By default empty: the whole server." }),
        },
        { description: "Ready where grpc.health.v1.Health answers SERVING." },
      ),
    },
    {
      rules: [atMostOne("httpGet", "tcpSocket", "exec", "grpc")],
      pending: true,
      description: "How the agent finds out that the workload is ready. Endpoints that are not ready get no traffic.",
    },
  );
}
