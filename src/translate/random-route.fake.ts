// Random VirtualServices.
import fc from "fast-check";
import {
  callerLabels,
  exportTo,
  host,
  maybe,
  namespace,
  portNumber,
  rarely,
  some,
  version,
} from "./random-names.fake.ts";

const gateways = some<string[] | undefined>(undefined, undefined, undefined, ["mesh"], ["edge"], ["mesh", "edge"]);
const destination = fc.record({
  host,
  subset: maybe(version),
  port: rarely(fc.record({ number: portNumber })),
});

const words = (exact: string, prefix: string, regex: string) => some({ exact }, { prefix }, { regex });
const headers = some(
  { request: { set: { "x-set": "a" }, add: { "x-add": "b" }, remove: ["x-remove"] } },
  { response: { set: { "x-set": "c" }, add: { "x-add": "d" }, remove: ["x-remove"] } },
);
const routes = fc
  .array(fc.record({ destination, weight: some(1, 9, 0), headers: rarely(headers) }), { minLength: 1, maxLength: 2 })
  .map((all) => (all.some(({ weight }) => weight > 0) ? all : all.map((each) => ({ ...each, weight: 1 }))));

const httpMatch = fc.record(
  {
    name: rarely(some("first", "second")),
    uri: words("/b", "/a", "/v[0-9]+/.*"),
    ignoreUriCase: rarely(fc.constant(true)),
    scheme: rarely(words("http", "http", "https?")),
    method: rarely(words("GET", "P", "GET|HEAD")),
    authority: rarely(words("web", "web", "web.*")),
    headers: rarely(words("bob", "b", "b+").map((value) => ({ "x-user": value }))),
    withoutHeaders: rarely(words("bot", "b", "bad.*").map((value) => ({ "x-bot": value }))),
    queryParams: rarely(words("1", "y", "[0-9]+").map((value) => ({ q: value }))),
    port: rarely(portNumber),
    gateways: rarely(some(["mesh"], ["edge"])),
    sourceLabels: maybe(callerLabels),
    sourceNamespace: maybe(namespace),
  },
  { requiredKeys: ["uri"] },
);

const percentage = { value: 12.5 };
/** What a rule may do beside forwarding: each field of HTTPRoute, one or two at a time. */
const more = some<object>(
  { timeout: "2s" },
  {
    retries: {
      attempts: 4,
      perTryTimeout: "250ms",
      retryOn: "gateway-error,503",
      retryRemoteLocalities: true,
      retryIgnorePreviousHosts: false,
      backoff: "50ms",
    },
  },
  { rewrite: { uri: "/", authority: "api.example" } },
  { rewrite: { uriRegexRewrite: { match: "^/v([0-9]+)/(.*)", rewrite: "/\\2/\\1" } } },
  { fault: { delay: { fixedDelay: "1s", percentage }, abort: { httpStatus: 503, percentage } } },
  { fault: { delay: { fixedDelay: "1s", percent: 5 }, abort: { grpcStatus: "UNAVAILABLE", percentage } } },
  {
    corsPolicy: {
      allowOrigins: [{ exact: "https://a.example" }, { prefix: "https://b." }, { regex: "https://.*[.]c[.]example" }],
      allowMethods: ["GET"],
      allowHeaders: ["x-a"],
      exposeHeaders: ["x-b"],
      maxAge: "1h",
      allowCredentials: true,
      unmatchedPreflights: "IGNORE",
    },
  },
  { corsPolicy: { allowOrigin: ["https://old.example"], unmatchedPreflights: "FORWARD" } },
  { corsPolicy: { allowOrigins: [{ exact: "https://a.example" }], unmatchedPreflights: "UNSPECIFIED" } },
);
const mirror = fc.oneof(
  fc.record({ mirror: destination }),
  fc.record({ mirror: destination, mirrorPercentage: fc.constant(percentage) }),
  fc.record({ mirror: destination, mirrorPercent: fc.constant(7) }),
  fc.record({ mirror: destination, mirror_percent: fc.constant(9) }),
  fc.record({
    mirrors: fc.array(fc.record({ destination, percentage: maybe(fc.constant(percentage)) }), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
);

const forwarding = fc
  .record({
    name: rarely(some("one", "two")),
    match: maybe(fc.array(httpMatch, { minLength: 1, maxLength: 2 })),
    route: routes,
    headers: rarely(headers),
    more: rarely(more),
    mirror: maybe(mirror),
  })
  .map(({ more: extra, mirror: copy, ...rule }) => ({ ...rule, ...extra, ...copy }));
const answering = fc
  .record({
    match: maybe(fc.array(httpMatch, { minLength: 1, maxLength: 1 })),
    answer: some<object>(
      { redirect: { uri: "/new", authority: "new.example", port: 8443, scheme: "https", redirectCode: 308 } },
      { redirect: { prefixRewrite: "/new", derivePort: "FROM_REQUEST_PORT", scheme: "https" } },
      { redirect: { uri: "/new", derivePort: "FROM_PROTOCOL_DEFAULT" } },
      { directResponse: { status: 503, body: { string: "closed" } } },
      { directResponse: { status: 200, body: { bytes: "R0lGODlhAQ==" } } },
    ),
  })
  .map(({ match, answer }) => ({ match, ...answer }));

const tcpMatch = fc.record(
  {
    port: portNumber,
    destinationSubnets: some(["10.8.1.0/24"], ["10.9.0.1"], ["2001:db8::/32"]),
    sourceSubnet: fc.constant("198.18.0.0/24"),
    sourceLabels: callerLabels,
    sourceNamespace: namespace,
    gateways: some(["mesh"], ["edge"]),
  },
  { requiredKeys: [] },
);
const tlsMatch = (hosts: readonly string[]) =>
  fc.record(
    {
      sniHosts: fc.constant([...hosts]),
      port: rarely(portNumber),
      destinationSubnets: rarely(some(["10.8.1.0/24"], ["2001:db8::/32"])),
      sourceLabels: rarely(callerLabels),
      sourceNamespace: rarely(namespace),
      gateways: rarely(some(["mesh"], ["edge"])),
    },
    { requiredKeys: ["sniHosts"] },
  );
const streamRoutes = fc.array(fc.record({ destination, weight: some(1, 9) }), { minLength: 1, maxLength: 2 });

/** One of the three, or several. */
export const virtualService: fc.Arbitrary<object> = fc
  .uniqueArray(host, { minLength: 1, maxLength: 2 })
  .chain((hosts) =>
    fc
      .record({
        http: maybe(
          fc.array(fc.oneof({ weight: 4, arbitrary: forwarding }, { weight: 1, arbitrary: answering }), {
            minLength: 1,
            maxLength: 2,
          }),
          6,
        ),
        tcp: rarely(
          fc.array(
            fc.record({ match: maybe(fc.array(tcpMatch, { minLength: 1, maxLength: 2 })), route: streamRoutes }),
            { minLength: 1, maxLength: 2 },
          ),
        ),
        tls: rarely(
          fc.array(
            fc.record({ match: fc.array(tlsMatch(hosts), { minLength: 1, maxLength: 2 }), route: streamRoutes }),
            { minLength: 1, maxLength: 1 },
          ),
        ),
        gateways,
        exportTo,
      })
      .map(({ http, tcp, tls, ...rest }) => ({
        hosts,
        ...rest,
        // An object needs one rule at least.
        ...(http === undefined && tcp === undefined && tls === undefined
          ? { http: [{ directResponse: { status: 204 } }] }
          : { http, tcp, tls }),
      })),
  );
