// ProxyConfig.tracing (istio.mesh.v1alpha1.Tracing): the older way to name a collector; Telemetry is the newer.
import { clientTls } from "../destination-rule/client-tls.ts";
import { atMostOne, bool, integer, list, map, number, object, oneOfStrings, string } from "../schema.ts";

const collector = (description: string) =>
  object({ address: string({ description: "Address of the collector, host:port." }) }, { description });

const limit = (what: string) => integer("int64", { description: `Most ${what} of a span.` });

const customTag = object(
  {
    literal: object({ value: string({ description: "The value." }) }, { description: "A fixed value." }),
    environment: object(
      {
        name: string({ description: "Name of the variable." }),
        defaultValue: string({ description: "The value where the variable is not set." }),
      },
      { description: "A value from the proxy's environment." },
    ),
    header: object(
      {
        name: string({ description: "Name of the header." }),
        defaultValue: string({ description: "The value where the header is absent." }),
      },
      { description: "A value from a request header." },
    ),
  },
  { rules: [atMostOne("literal", "environment", "header")] },
);

export function tracing() {
  return object(
    {
      zipkin: collector("Spans go to Zipkin."),
      lightstep: object(
        {
          address: string({ description: "Address of the satellites, host:port." }),
          accessToken: string({ description: "Access token." }),
        },
        { description: "Spans go to Lightstep.", deprecated: true },
      ),
      datadog: collector("Spans go to a Datadog agent."),
      stackdriver: object(
        {
          debug: bool({ description: "Also writes spans to standard output." }),
          maxNumberOfAttributes: limit("attributes"),
          maxNumberOfAnnotations: limit("annotations"),
          maxNumberOfMessageEvents: limit("message events"),
        },
        { description: "Spans go to Google Cloud Trace." },
      ),
      openCensusAgent: object(
        {
          address: string({ description: "gRPC address of the agent." }),
          context: list(oneOfStrings(["UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3"]), {
            description: "Headers that carry the trace.",
          }),
        },
        { description: "Spans go to an OpenCensus agent.", deprecated: true },
      ),
      customTags: map(customTag, { description: "Tags that every span gets, by name." }),
      maxPathTagLength: integer("uint32", { description: "Characters of the path that a span keeps.", default: 256 }),
      sampling: number({
        description: "Percent of the requests that are traced.",
        minimum: 0,
        maximum: 100,
        default: 1,
      }),
      tlsSettings: clientTls("TLS to the collector."),
      enableIstioTags: bool({ description: "Adds Istio's own tags to spans.", default: true }),
    },
    {
      rules: [atMostOne("zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent")],
      pending: true,
      description: "Where proxies send spans.",
    },
  );
}
