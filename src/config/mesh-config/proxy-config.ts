// MeshConfig.defaultConfig (istio.mesh.v1alpha1.ProxyConfig): settings of each proxy that need its restart.
import { clientTls } from "../destination-rule/client-tls.ts";
import { connectionPool } from "../destination-rule/connection-pool.ts";
import { duration } from "../duration.ts";
import { atMostOne, bool, integer, list, map, object, oneOfStrings, type SpecOf, string } from "../schema.ts";
import { readinessProbe } from "../workload-group/readiness-probe.ts";
import { connectionSettings } from "./connection-settings.ts";
import { forwardClientCert, proxyHeaders } from "./proxy-headers.ts";
import { tracing } from "./tracing.ts";

/** `istio.networking.v1alpha3.ConnectionPoolSettings.TCPSettings.TcpKeepalive`, as DestinationRule has it. */
export const tcpKeepaliveSchema = connectionPool("").properties.tcp.properties.tcpKeepalive;

export const portNumber = (description: string, preset?: number) =>
  integer("int32", {
    minimum: 1,
    maximum: 65535,
    description,
    ...(preset === undefined ? {} : { default: preset }),
  });

const remoteService = (description: string) =>
  object(
    {
      address: string({ description: "Address of the service, host:port." }),
      tlsSettings: clientTls("TLS to the service."),
      tcpKeepalive: tcpKeepaliveSchema,
    },
    { pending: true, description },
  );

const keyProvider = (description: string) =>
  object(
    {
      pollDelay: duration({ description: "Time that requests are collected for." }),
      fallback: bool({ description: "Without the hardware, signs in software." }),
    },
    { description },
  );

export const proxyConfigSchema = object(
  {
    concurrency: integer("int32", {
      minimum: 0,
      description: "Worker threads of Envoy. 0 is one for each core; by default the agent decides.",
    }),
    drainDuration: duration({ description: "Time in which connections to a closing listener drain.", default: "45s" }),
    terminationDrainDuration: duration({
      description: "Time between the signal to stop and the end of the proxy.",
      default: "5s",
    }),
    holdApplicationUntilProxyStarts: bool({
      description: "The application starts only when the proxy is ready.",
      default: false,
    }),
    proxyMetadata: map(string({ description: "The value." }), {
      description: "Variables that the agent sets for the proxy; ISTIO_META_X becomes the node metadata X.",
    }),
    statusPort: portNumber("Port at which the agent serves health and metrics.", 15020),
    proxyAdminPort: portNumber("Port of Envoy's admin interface, on loopback.", 15000),
    discoveryAddress: string({
      description: "Address of the control plane, host:port.",
      default: "istiod.istio-system.svc:15012",
    }),
    serviceCluster: string({ pending: true, description: "Envoy's service cluster name.", default: "istio-proxy" }),
    tracingServiceName: oneOfStrings(
      ["APP_LABEL_AND_NAMESPACE", "CANONICAL_NAME_ONLY", "CANONICAL_NAME_AND_NAMESPACE"],
      { pending: true, description: "How spans name the service." },
    ),
    configPath: string({
      pending: true,
      description: "Folder for generated configuration.",
      default: "./etc/istio/proxy",
    }),
    binaryPath: string({ pending: true, description: "Envoy's program.", default: "/usr/local/bin/envoy" }),
    customConfigFile: string({ pending: true, description: "A bootstrap in place of the generated one." }),
    proxyBootstrapTemplatePath: string({ pending: true, description: "Template of the bootstrap." }),
    controlPlaneAuthPolicy: oneOfStrings(["NONE", "MUTUAL_TLS", "INHERIT"], {
      pending: true,
      description: "How the proxy proves itself to the control plane.",
      default: "MUTUAL_TLS",
    }),
    interceptionMode: oneOfStrings(["REDIRECT", "TPROXY", "NONE"], {
      pending: true,
      description: "How traffic is captured.",
      default: "REDIRECT",
    }),
    statNameLength: integer("int32", { pending: true, description: "Longest name of a statistic.", default: 189 }),
    statsdUdpAddress: string({ pending: true, description: "Address of a statsd sink, ip:port." }),
    extraStatTags: list(string(), { pending: true, description: "Tags to take out of statistics names." }),
    proxyStatsMatcher: object(
      {
        inclusionPrefixes: list(string(), { description: "Starts of the names to keep." }),
        inclusionSuffixes: list(string(), { description: "Ends of the names to keep." }),
        inclusionRegexps: list(string(), { description: "Expressions for the names to keep." }),
      },
      { pending: true, description: "Statistics to keep beside the usual ones." },
    ),
    statsCompression: bool({ pending: true, description: "Compresses answers with metrics.", default: true }),
    tracing: tracing(),
    envoyAccessLogService: remoteService("Receives access logs over gRPC."),
    envoyMetricsService: remoteService("Receives metrics over gRPC."),
    runtimeValues: map(string({ description: "The value." }), { pending: true, description: "Envoy's runtime keys." }),
    gatewayTopology: object(
      {
        numTrustedProxies: integer("uint32", { description: "Trusted proxies in front of a gateway." }),
        forwardClientCertDetails: forwardClientCert("What happens to x-forwarded-client-cert at gateways."),
        proxyProtocol: object({}, { description: "Gateways expect the PROXY protocol." }),
      },
      { pending: true, description: "What stands in front of gateways." },
    ),
    meshId: string({ pending: true, description: "Name of the mesh in node metadata. By default the trust domain." }),
    readinessProbe: readinessProbe(),
    caCertificatesPem: list(string(), { pending: true, description: "Further roots for peers, PEM." }),
    image: object(
      { imageType: string({ description: "Flavour of the image." }) },
      { pending: true, description: "Image of an injected proxy." },
    ),
    privateKeyProvider: object(
      {
        cryptomb: keyProvider("Intel CryptoMB."),
        qat: keyProvider("Intel QuickAssist."),
      },
      { rules: [atMostOne("cryptomb", "qat")], pending: true, description: "Hardware that signs for TLS." },
    ),
    proxyHeaders: proxyHeaders(),
    fileFlushInterval: duration({ pending: true, description: "Time between writes of the access log." }),
    fileFlushMinSizeKb: integer("uint32", { pending: true, description: "Kilobytes that make an early write." }),
    connectionSettings: connectionSettings(),
    discoveryRefreshDelay: duration({ pending: true, deprecated: true, description: "Has no effect." }),
    zipkinAddress: string({ pending: true, deprecated: true, description: "Use tracing.zipkin." }),
    envoyMetricsServiceAddress: string({ pending: true, deprecated: true, description: "Use envoyMetricsService." }),
    availabilityZone: string({ pending: true, deprecated: true, description: "Has no effect." }),
    sds: object(
      {
        enabled: bool({ description: "Has no effect." }),
        k8sSaJwtPath: string({ description: "Has no effect." }),
      },
      { pending: true, deprecated: true, description: "Has no effect: SDS is always on." },
    ),
  },
  {
    rules: [atMostOne("serviceCluster", "tracingServiceName")],
    description: "Settings of each proxy. They apply at its next start.",
  },
);

export type ProxyConfig = SpecOf<typeof proxyConfigSchema>;
