// MeshConfig (istio.mesh.v1alpha1.MeshConfig): settings of the whole mesh.
import { clientTls } from "../destination-rule/client-tls.ts";
import { connectionPool } from "../destination-rule/connection-pool.ts";
import { localitySchema, zoneAwareSchema } from "../destination-rule/locality-load-balancer.ts";
import { outlierDetectionSchema } from "../destination-rule/outlier-detection.ts";
import { duration } from "../duration.ts";
import { atMostOne, bool, list, object, oneOfStrings, type Rule, type SpecOf, string, withOptions } from "../schema.ts";
import { httpRetrySchema } from "../virtual-service/http-retry.ts";
import { extensionProviders } from "./extension-provider.ts";
import { labelSelector } from "./label-selector.ts";
import { portNumber, proxyConfigSchema, tcpKeepaliveSchema } from "./proxy-config.ts";

const texts = (description: string) => list(string(), { description });

const exportTo = (what: string) =>
  list(string(), {
    default: ["*"],
    description: `exportTo of each ${what} that says nothing: "*" all namespaces, "." its own, "~" none, or names.`,
  });

const spiffeTrustDomain: Rule<string> = {
  message: "must be a SPIFFE trust domain: lower-case letters, digits, '.', '-' and '_', at most 255",
  test: (name) => name.length <= 255 && /^[a-z0-9._-]+$/.test(name),
};

/** `pending` marks the fields beside the version, which are not carried out for the mesh's own connections. */
const tlsConfig = (options: { description: string; pending: boolean }) =>
  object(
    {
      minProtocolVersion: oneOfStrings(["TLS_AUTO", "TLSV1_2", "TLSV1_3"], {
        default: "TLS_AUTO",
        description: "Oldest TLS version. TLS_AUTO is TLSV1_2.",
      }),
      ecdhCurves: list(string(), { pending: true, description: "Curves, in order of preference." }),
      cipherSuites: list(string(), { pending: true, description: "Cipher suites of TLS 1.2." }),
    },
    options,
  );

const certificateData = object(
  {
    pem: string({ description: "The certificate, PEM." }),
    spiffeBundleUrl: string({ description: "A SPIFFE bundle endpoint that serves it." }),
    certSigners: texts("Signers whose certificates it verifies."),
    trustDomains: texts("Trust domains whose certificates it verifies."),
  },
  { rules: [atMostOne("pem", "spiffeBundleUrl")] },
);

const visibility = (description: string) =>
  oneOfStrings(["VISIBILITY_UNSPECIFIED", "NONE", "NAMESPACE", "PUBLIC"], { description });

export const meshConfigSchema = object({
  trustDomain: string({
    rules: [spiffeTrustDomain],
    default: "cluster.local",
    description: "Trust domain of every identity that the mesh issues.",
  }),
  trustDomainAliases: list(string({ rules: [spiffeTrustDomain] }), {
    description: "Trust domains whose identities count as the mesh's own, for example its former one.",
  }),
  rootNamespace: string({
    default: "istio-system",
    description: "Namespace whose policies apply to all namespaces.",
  }),
  outboundTrafficPolicy: object(
    {
      mode: oneOfStrings(["REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS"], {
        default: "ALLOW_ANY",
        description:
          "ALLOW_ANY passes calls to unknown hosts, REGISTRY_ONLY refuses them, ALLOW_ANY_DYNAMIC_DNS resolves them in the proxy.",
      }),
      tls: withOptions(clientTls("TLS to unknown hosts, for ALLOW_ANY_DYNAMIC_DNS."), { pending: true }),
    },
    { description: "What happens to calls to hosts that the mesh does not know." },
  ),
  inboundTrafficPolicy: object(
    {
      mode: oneOfStrings(["PASSTHROUGH", "LOCALHOST"], {
        default: "PASSTHROUGH",
        description: "PASSTHROUGH calls the application at the machine's address, LOCALHOST at 127.0.0.1.",
      }),
    },
    { pending: true, description: "Where proxies call their application." },
  ),
  accessLogFile: string({ description: "File that proxies write access logs to. By default none is written." }),
  accessLogFormat: string({ description: "Format of an entry. By default Istio's." }),
  accessLogEncoding: oneOfStrings(["TEXT", "JSON"], {
    default: "TEXT",
    description: "TEXT writes lines in the format, JSON objects.",
  }),
  connectTimeout: duration({
    positive: true,
    default: "10s",
    description: "Time limit for connections, where no DestinationRule says otherwise.",
  }),
  protocolDetectionTimeout: duration({
    pending: true,
    default: "0s",
    description: "Time that a proxy waits for the first bytes of a connection; 0s waits without limit.",
  }),
  enableAutoMtls: bool({
    default: true,
    description: "Uses mutual TLS to every endpoint that takes it, where no DestinationRule says otherwise.",
  }),
  defaultServiceExportTo: exportTo("service"),
  defaultVirtualServiceExportTo: exportTo("VirtualService"),
  defaultDestinationRuleExportTo: exportTo("DestinationRule"),
  dnsRefreshRate: duration({
    positive: true,
    default: "60s",
    description: "Time between resolutions of names in resolution DNS, where the answer does not say.",
  }),
  defaultHttpRetryPolicy: withOptions(httpRetrySchema, {
    pending: true,
    description: "Retries where no VirtualService says otherwise.",
  }),
  enablePrometheusMerge: bool({
    pending: true,
    default: true,
    description: "The agent serves the application's metrics together with the proxy's.",
  }),
  meshMTLS: tlsConfig({ description: "TLS between workloads of the mesh.", pending: false }),
  pathNormalization: object(
    {
      normalization: oneOfStrings(["DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"], {
        default: "DEFAULT",
        description:
          "NONE keeps paths, BASE resolves dot segments (RFC 3986), MERGE_SLASHES also takes // as /, DECODE_AND_MERGE_SLASHES also decodes %2F and %5C. DEFAULT is BASE.",
      }),
    },
    { description: "How paths are rewritten before policies and routes look at them." },
  ),
  tcpKeepalive: withOptions(tcpKeepaliveSchema, {
    pending: true,
    description: "TCP keep-alive where no DestinationRule says otherwise.",
  }),
  proxyListenPort: portNumber("Port at which proxies take outbound traffic.", 15001),
  proxyInboundListenPort: portNumber("Port at which proxies take inbound traffic.", 15006),
  h2UpgradePolicy: oneOfStrings(["DO_NOT_UPGRADE", "UPGRADE"], {
    pending: true,
    default: "DO_NOT_UPGRADE",
    description: "Whether HTTP/1.1 between proxies is carried by HTTP/2.",
  }),
  localityLbSetting: withOptions(localitySchema, {
    description: "Preference for near endpoints, where no DestinationRule says otherwise. Enabled by default.",
  }),
  defaultConfig: withOptions(proxyConfigSchema, { pending: true }),
  visibility: oneOfStrings(["istio", "strict"], {
    default: "istio",
    description:
      "istio: a namespace may publish routes and services for any host. strict: hosts of others need their grant. A setting of Lateen's own.",
  }),

  proxyHttpPort: withOptions(portNumber("Port at which proxies take HTTP proxy requests."), { pending: true }),
  hboneIdleTimeout: duration({ pending: true, description: "Time after which an idle HBONE tunnel is closed." }),
  ingressClass: string({ pending: true, default: "istio", description: "Class of Ingress objects to serve." }),
  ingressService: string({
    pending: true,
    default: "istio-ingressgateway",
    description: "Service of the ingress gateway.",
  }),
  ingressControllerMode: oneOfStrings(["UNSPECIFIED", "OFF", "DEFAULT", "STRICT"], {
    pending: true,
    default: "STRICT",
    description: "Which Ingress objects are served.",
  }),
  ingressSelector: string({ pending: true, description: "Label istio of the gateway that serves Ingress objects." }),
  enableTracing: bool({ pending: true, default: true, description: "Makes spans and request ids." }),
  enableEnvoyAccessLogService: bool({ pending: true, description: "Sends access logs to defaultConfig's service." }),
  disableEnvoyListenerLog: bool({
    pending: true,
    description: "Leaves out listener logs of connections without route.",
  }),
  configSources: list(
    object({
      address: string({ description: "Address of the source: fs:///path, xds://host:port or k8s://." }),
      tlsSettings: clientTls("TLS to the source."),
      subscribedResources: list(oneOfStrings(["SERVICE_REGISTRY"]), { description: "What is read from the source." }),
    }),
    { pending: true, description: "Further sources of configuration." },
  ),
  caCertificates: list(certificateData, { pending: true, description: "Further roots for workloads of the mesh." }),
  zoneAwareLbSetting: withOptions(zoneAwareSchema, { pending: true, description: "Zone-aware balancing of the mesh." }),
  inboundClusterStatName: string({ pending: true, description: "Pattern of inbound clusters' names in statistics." }),
  outboundClusterStatName: string({ pending: true, description: "Pattern of outbound clusters' names in statistics." }),
  certificates: list(
    object({
      secretName: string({ description: "Secret that the certificate is kept in." }),
      dnsNames: texts("Names in the certificate."),
    }),
    { pending: true, deprecated: true, description: "Has no effect." },
  ),
  serviceSettings: list(
    object({
      settings: object(
        { clusterLocal: bool({ description: "Only endpoints of the caller's own cluster are used." }) },
        { description: "The settings." },
      ),
      hosts: texts("Hosts that they apply to; the first label may be a wildcard."),
    }),
    { pending: true, description: "Settings of single services." },
  ),
  serviceScopeConfigs: list(
    object({
      namespaceSelector: labelSelector("Namespaces of the services."),
      servicesSelector: labelSelector("Labels of the services."),
      scope: oneOfStrings(["LOCAL", "GLOBAL"], { description: "GLOBAL services are reachable from other clusters." }),
    }),
    { pending: true, description: "Which services other clusters reach." },
  ),
  verifyCertificateAtClient: bool({ pending: true, deprecated: true, description: "Has no effect." }),
  ca: object(
    {
      address: string({ description: "Address of the CA, host:port." }),
      tlsSettings: clientTls("TLS to the CA."),
      requestTimeout: duration({ description: "Time limit of a request.", default: "10s" }),
      istiodSide: bool({ description: "The control plane asks the CA in place of the agents." }),
    },
    { pending: true, description: "A CA outside the control plane." },
  ),
  extensionProviders: extensionProviders(),
  defaultProviders: object(
    {
      tracing: texts("Providers of traces."),
      metrics: texts("Providers of metrics."),
      accessLogging: texts("Providers of access logs."),
    },
    { pending: true, description: "Providers that apply where no Telemetry says otherwise." },
  ),
  discoverySelectors: list(labelSelector("One of them must match."), {
    pending: true,
    description: "Namespaces that the mesh looks at. By default all.",
  }),
  tlsDefaults: tlsConfig({ description: "TLS to and from hosts outside the mesh.", pending: true }),
  defaultTrafficPolicy: object(
    {
      connectionPool: connectionPool("Limits of connections and requests."),
      outlierDetection: withOptions(outlierDetectionSchema, { description: "Ejection of failing endpoints." }),
    },
    { pending: true, description: "Traffic policy where no DestinationRule says otherwise." },
  ),
  serviceEntryVisibility: object(
    {
      defaultVisibility: visibility("Visibility where no policy matches."),
      applyToSidecars: bool({ description: "Applies to sidecars too." }),
      policies: list(
        object({
          visibility: visibility("Who sees the ServiceEntries."),
          matchingRules: list(object({ namespaceSelector: labelSelector("Namespaces of the ServiceEntries.") }), {
            description: "Rules of which one must match.",
          }),
        }),
        { description: "Tried in order; the first that matches applies." },
      ),
    },
    { pending: true, description: "Who sees ServiceEntries, by the labels of their namespaces." },
  ),
});

export type MeshConfig = SpecOf<typeof meshConfigSchema>;
