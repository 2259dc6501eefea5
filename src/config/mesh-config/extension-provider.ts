// MeshConfig.extensionProviders (istio.mesh.v1alpha1.MeshConfig.ExtensionProvider): services that Telemetry and
// AuthorizationPolicy name.
import { duration } from "../duration.ts";
import { anything, bool, exactlyOne, integer, list, map, object, oneOfStrings, string } from "../schema.ts";

const texts = (description: string) => list(string(), { description });
const seconds = (description: string) => duration({ description });

/** Where a provider is: fields that almost every provider has. */
const address = () => ({
  service: string({ description: "Host of the service; namespace/host where a host is ambiguous." }),
  port: integer("uint32", { minimum: 1, maximum: 65535, description: "Port of the service." }),
});

const maxTagLength = () =>
  integer("uint32", { description: "Characters of the path that a span keeps.", default: 256 });

const httpHeader = object(
  {
    name: string({ description: "Name of the header." }),
    value: string({ description: "Value of the header." }),
    envName: string({ description: "Variable of the proxy's environment that holds the value." }),
  },
  { required: ["name"] },
);

const httpService = () =>
  object(
    {
      path: string({ description: "Path of the requests." }),
      timeout: seconds("Time limit of a request."),
      headers: list(httpHeader, { description: "Headers of the requests." }),
    },
    { description: "Sends over HTTP." },
  );

const checkedBody = object(
  {
    maxRequestBytes: integer("uint32", { description: "Bytes of the body that are sent at most." }),
    allowPartialMessage: bool({ description: "Sends a longer body cut off, in place of refusing the request." }),
    packAsBytes: bool({ description: "Sends the body as bytes, in place of UTF-8 text." }),
  },
  { description: "Sends the request's body along." },
);

const authorizer = {
  failOpen: bool({ description: "Lets requests pass while the service cannot be reached.", default: false }),
  clearRouteCache: bool({ description: "Chooses the route again after the answer.", default: false }),
  statusOnError: string({ description: "Status of the answer while the service cannot be reached.", default: "403" }),
  includeRequestBodyInCheck: checkedBody,
};

const httpAuthorizer = object(
  {
    ...address(),
    ...authorizer,
    timeout: seconds("Time limit of a check."),
    pathPrefix: string({ description: "Stands before the path of the check." }),
    includeHeadersInCheck: list(string(), { description: "Use includeRequestHeadersInCheck.", deprecated: true }),
    includeRequestHeadersInCheck: texts("Request headers that the check gets."),
    includeAdditionalHeadersInCheck: map(string({ description: "The value." }), {
      description: "Further headers of the check.",
    }),
    headersToUpstreamOnAllow: texts("Headers of the answer that the application gets."),
    headersToDownstreamOnDeny: texts("Headers of a refusal that the client gets."),
    headersToDownstreamOnAllow: texts("Headers of the answer that the client gets."),
  },
  { description: "Asks a service over HTTP whether a request may pass." },
);

const grpcAuthorizer = object(
  { ...address(), ...authorizer, timeout: seconds("Time limit of a check.") },
  { description: "Asks a service over gRPC (envoy.service.auth.v3) whether a request may pass." },
);

const logFormat = object(
  {
    text: string({ description: "A line, with Envoy's command operators." }),
    labels: anything({ description: "Fields, with Envoy's command operators as values." }),
  },
  { description: "Format of an entry." },
);

const grpcLog = {
  ...address(),
  logName: string({ description: "Name of the log." }),
  filterStateObjectsToLog: texts("Filter state that entries carry."),
};

const openTelemetry = object(
  {
    ...address(),
    maxTagLength: maxTagLength(),
    http: httpService(),
    grpc: object(
      {
        timeout: seconds("Time limit of a request."),
        initialMetadata: list(httpHeader, { description: "Metadata of the requests." }),
      },
      { description: "Sends over gRPC." },
    ),
    resourceDetectors: object(
      {
        environment: object({}, { description: "Reads OTEL_RESOURCE_ATTRIBUTES." }),
        dynatrace: object({}, { description: "Reads Dynatrace's files." }),
      },
      { description: "Where attributes of the resource come from." },
    ),
    serviceAttributeEnrichment: oneOfStrings(["ISTIO_CANONICAL", "OTEL_SEMANTIC_CONVENTIONS"], {
      description: "How spans name the service.",
    }),
    dynatraceSampler: object(
      {
        tenant: string({ description: "Tenant." }),
        clusterId: integer("int32", { description: "Cluster of the tenant." }),
        rootSpansPerMinute: integer("uint32", { description: "Traces a minute where Dynatrace says nothing." }),
        httpService: object({ ...address(), http: httpService() }, { description: "Where the sampler asks." }),
      },
      { description: "Lets Dynatrace decide what is traced." },
    ),
  },
  { description: "Spans go to an OpenTelemetry collector." },
);

const providers = {
  envoyExtAuthzHttp: httpAuthorizer,
  envoyExtAuthzGrpc: grpcAuthorizer,
  zipkin: object(
    {
      ...address(),
      maxTagLength: maxTagLength(),
      enable64bitTraceId: bool({ description: "Uses trace ids of 64 bits." }),
      path: string({ description: "Path of the collector.", default: "/api/v2/spans" }),
      traceContextOption: oneOfStrings(["USE_B3", "USE_B3_WITH_W3C_PROPAGATION"], {
        description: "Headers that carry the trace.",
      }),
      timeout: seconds("Time limit of a request."),
      headers: list(httpHeader, { description: "Headers of the requests." }),
    },
    { description: "Spans go to Zipkin." },
  ),
  lightstep: object(
    { ...address(), accessToken: string({ description: "Access token." }), maxTagLength: maxTagLength() },
    { description: "Spans go to Lightstep.", deprecated: true },
  ),
  datadog: object({ ...address(), maxTagLength: maxTagLength() }, { description: "Spans go to a Datadog agent." }),
  stackdriver: object(
    {
      debug: bool({ description: "Has no effect.", deprecated: true }),
      maxNumberOfAttributes: integer("int64", { description: "Has no effect.", deprecated: true }),
      maxNumberOfAnnotations: integer("int64", { description: "Has no effect.", deprecated: true }),
      maxNumberOfMessageEvents: integer("int64", { description: "Has no effect.", deprecated: true }),
      maxTagLength: maxTagLength(),
      logging: object(
        { labels: map(string({ description: "The value." }), { description: "Labels of each entry." }) },
        { description: "Settings of Cloud Logging." },
      ),
    },
    { description: "Metrics, logs and spans go to Google Cloud." },
  ),
  opencensus: object(
    {
      ...address(),
      context: list(oneOfStrings(["UNSPECIFIED", "W3C_TRACE_CONTEXT", "GRPC_BIN", "CLOUD_TRACE_CONTEXT", "B3"]), {
        description: "Headers that carry the trace.",
      }),
      maxTagLength: maxTagLength(),
    },
    { description: "Spans go to an OpenCensus agent.", deprecated: true },
  ),
  skywalking: object(
    { ...address(), accessToken: string({ description: "Access token." }) },
    { description: "Spans go to SkyWalking." },
  ),
  opentelemetry: openTelemetry,
  prometheus: object({}, { description: "Metrics are served for Prometheus." }),
  envoyFileAccessLog: object(
    {
      path: string({ description: "File that entries are written to." }),
      logFormat,
      omitEmptyValues: bool({ description: "Leaves out fields without a value." }),
    },
    { description: "Access logs go to a file." },
  ),
  envoyHttpAls: object(
    {
      ...grpcLog,
      additionalRequestHeadersToLog: texts("Request headers that entries carry."),
      additionalResponseHeadersToLog: texts("Response headers that entries carry."),
      additionalResponseTrailersToLog: texts("Response trailers that entries carry."),
    },
    { description: "Access logs of HTTP go to a gRPC service." },
  ),
  envoyTcpAls: object(grpcLog, { description: "Access logs of TCP go to a gRPC service." }),
  envoyOtelAls: object(
    { ...address(), logName: string({ description: "Name of the log." }), logFormat },
    { description: "Access logs go to an OpenTelemetry collector." },
  ),
  sds: object(
    { ...address(), name: string({ description: "Name of the secret." }) },
    { description: "Secrets come from an SDS server." },
  ),
};

export function extensionProviders() {
  return list(
    object(
      { name: string({ minLength: 1, description: "Name that policies use." }), ...providers },
      { required: ["name"], rules: [exactlyOne(...Object.keys(providers))] },
    ),
    { pending: true, description: "Services for tracing, metrics, logs and authorization, by name." },
  );
}
