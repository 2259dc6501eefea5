// What is changed about one service, step by step, without end. No step makes a call fail by itself: subsets are added, routes
// are moved to them, then away, and only then are subsets removed. Whether proxies keep to that order is what is tested.
export type ChangeKind = "endpoints" | "routes" | "subsets" | "policies" | "services";

export type ObjectKind =
  | "ServiceEntry"
  | "DestinationRule"
  | "VirtualService"
  | "AuthorizationPolicy"
  | "PeerAuthentication";

/** `spec` is undefined where the object is to be removed. */
export interface ObjectWrite {
  kind: ObjectKind;
  name: string;
  spec: unknown;
}

export interface Step {
  kind: ChangeKind;
  what: string;
  writes: ObjectWrite[];
  /** Value of the header x-step that requests have from now on, and the applications that may answer them then. */
  route?: { step: string; names: readonly string[] };
  /** Applications that calls may reach at all from now on. */
  endpoints?: readonly string[];
  /** The step waits until every caller's requests have this x-step: what they reached before is about to go. */
  after?: string;
  /** What each cluster of the service's first port shows once it has the change, and how many there are. */
  clusters?: { marker: string; count: number };
}

export interface ChurnedService {
  /** Also the name of its objects. */
  key: string;
  host: string;
  /** Applications by version. */
  v1: readonly string[];
  v2: readonly string[];
  /** ServiceEntry's spec with the endpoints of these versions. */
  entry: (versions: readonly string[], morePorts: readonly unknown[]) => unknown;
  /** Label `app` of its machines; endpoints outside the mesh have no policies. */
  app?: string;
}

export const churnNamespace = "shop";
/** HTTP, gRPC and TCP. */
export const servicePorts = [
  { number: 80, name: "http", protocol: "HTTP", targetPort: 8080 },
  { number: 7070, name: "grpc", protocol: "GRPC", targetPort: 7070 },
  { number: 9000, name: "tcp", protocol: "TCP", targetPort: 9000 },
];
const bothVersions = ["v1", "v2"];
/** Who calls. */
const callers = "cluster.local/ns/shop/sa/front";

export function* serviceStory(service: ChurnedService): Generator<Step, never> {
  const { key, host, v1, v2, entry, app } = service;
  const all = [...v1, ...v2];
  let steps = 0;
  let rules = 0;

  const subsets = (what: string, names: readonly string[], policy: object = {}): Step => {
    // Never a whole second: its text would have no fraction.
    const timeoutMs = 1_001 + (rules++ % 998);
    const marker = `${(timeoutMs / 1000).toFixed(3)}s`;
    const spec = {
      host,
      trafficPolicy: { ...policy, connectionPool: { tcp: { connectTimeout: marker } } },
      subsets: names.map((name) => ({ name, labels: { version: name } })),
    };
    const count = 1 + names.length;
    return {
      ...{ kind: "subsets", what: `${key}: ${what}` },
      writes: [{ kind: "DestinationRule", name: key, spec }],
      clusters: { marker: `"connect_timeout": "${marker}"`, count },
    };
  };
  const routes = (what: string, weights: Record<string, number>, more: object = {}, before: object[] = []): Step => {
    const step = String(++steps);
    const headers = { request: { set: { "x-step": step } } };
    const route = Object.entries(weights).map(([subset, weight]) => ({
      destination: subset === "" ? { host } : { host, subset },
      weight,
    }));
    const http = [...before.map((rule) => ({ ...rule, headers })), { route, headers, ...more }];
    const names = Object.keys(weights).flatMap((subset) => (subset === "" ? all : subset === "v1" ? v1 : v2));
    return {
      ...{ kind: "routes", what: `${key}: ${what}`, route: { step, names } },
      writes: [{ kind: "VirtualService", name: key, spec: { hosts: [host], http } }],
    };
  };
  const remove = (kind: ObjectKind): ObjectWrite => ({ kind, name: key, spec: undefined });
  const together = (kind: ChangeKind, what: string, ...parts: Step[]): Step => ({
    ...Object.assign({}, ...parts),
    ...{ kind, what: `${key}: ${what}`, writes: parts.flatMap(({ writes }) => writes) },
  });
  const endpoints = (
    what: string,
    versions: readonly string[],
    after: string,
    morePorts: readonly unknown[] = [],
  ): Step => ({
    ...{ kind: morePorts.length > 0 ? "services" : "endpoints", what: `${key}: ${what}`, after },
    writes: [{ kind: "ServiceEntry", name: key, spec: entry(versions, morePorts) }],
    endpoints: versions.flatMap((version) => (version === "v1" ? v1 : v2)),
  });
  const policy = (
    what: string,
    kind: "AuthorizationPolicy" | "PeerAuthentication",
    spec: object | undefined,
  ): Step[] => {
    if (app === undefined) return [];
    const whole = spec === undefined ? undefined : { selector: { matchLabels: { app } }, ...spec };
    return [{ kind: "policies", what: `${key}: ${what}`, writes: [{ kind, name: key, spec: whole }] }];
  };
  const allow = (...principals: string[]): object => ({ rules: [{ from: [{ source: { principals } }] }] });
  const toV1 = {
    match: [{ headers: { "x-user": { exact: "jane" } } }],
    route: [{ destination: { host, subset: "v1" } }],
  };

  for (;;) {
    yield subsets("subset v1 added", ["v1"]);
    yield routes("to v1", { v1: 100 });
    yield* policy("callers allowed", "AuthorizationPolicy", allow(callers));
    yield subsets("subset v2 added", bothVersions);
    yield routes("half to v2", { v1: 50, v2: 50 }, { retries: { attempts: 3, retryOn: "5xx,reset" }, timeout: "8s" });
    yield routes("most to v2", { v1: 10, v2: 90 }, { retries: { attempts: 1 } });
    yield* policy("plaintext taken, too", "PeerAuthentication", { mtls: { mode: "PERMISSIVE" } });
    yield routes("jane to v1, others to v2", { v2: 100 }, { timeout: "7s" }, [toV1]);
    yield routes("to v2", { v2: 100 }, { retries: { attempts: 2, perTryTimeout: "3s" }, timeout: "9s" });
    yield subsets("subset v1 removed", ["v2"]);
    yield subsets("least requests, outliers", ["v2"], {
      loadBalancer: { simple: "LEAST_REQUEST" },
      outlierDetection: { consecutive5xxErrors: 7, interval: "5s" },
    });
    yield* policy("others allowed, too", "AuthorizationPolicy", allow(callers, "cluster.local/ns/shop/sa/later"));
    yield routes("to both without subset", { "": 100 }, { timeout: "6s" });
    yield subsets("subset v2 removed", [], { loadBalancer: { simple: "ROUND_ROBIN" } });
    yield* policy("mutual TLS only", "PeerAuthentication", { mtls: { mode: "STRICT" } });
    yield together("subsets", "subset v1 and its route at once", subsets("", ["v1"]), routes("", { v1: 100 }));
    yield together("subsets", "subset v2 for v1 at once", subsets("", bothVersions), routes("", { v2: 100 }));
    yield {
      ...{ kind: "routes", what: `${key}: route and rule removed at once`, route: { step: "", names: all } },
      writes: [remove("VirtualService"), remove("DestinationRule")],
    };
    yield endpoints("endpoints of v1 alone", ["v1"], "");
    yield endpoints("endpoints of both", bothVersions, "");
    yield* policy("everybody allowed", "AuthorizationPolicy", undefined);
    yield* policy("as the mesh", "PeerAuthentication", undefined);
    yield endpoints("a port more", bothVersions, "", [
      { number: 8081, name: "more", protocol: "HTTP", targetPort: 8080 },
    ]);
    yield endpoints("endpoints of v2 alone", ["v2"], "");
    yield endpoints("endpoints of both again", bothVersions, "");
  }
}

/** A service that nobody calls, and that comes and goes with its rules. */
export function* spareStory(key: string): Generator<Step, never> {
  const host = `${key}.${churnNamespace}.svc.cluster.local`;
  const step = (kind: ChangeKind, what: string, ...writes: [ObjectKind, unknown][]): Step => ({
    ...{ kind, what: `${key}: ${what}` },
    writes: writes.map(([object, spec]) => ({ kind: object, name: key, spec })),
  });
  const entry = (...addresses: string[]): unknown => ({
    ...{ hosts: [host], location: "MESH_EXTERNAL", resolution: "STATIC", ports: servicePorts },
    endpoints: addresses.map((address) => ({ address, labels: { version: "v1" } })),
  });
  const subset = { name: "v1", labels: { version: "v1" } };
  const route = [{ destination: { host, subset: "v1" } }];
  for (let round = 0; ; round = (round + 1) % 250) {
    yield step("services", "added", ["ServiceEntry", entry(`10.77.0.${round + 1}`)]);
    yield step("subsets", "subset added", ["DestinationRule", { host, subsets: [subset] }]);
    yield step("routes", "route added", ["VirtualService", { hosts: [host], http: [{ route }] }]);
    yield step("endpoints", "endpoint added", ["ServiceEntry", entry(`10.77.0.${round + 1}`, `10.77.1.${round + 1}`)]);
    yield step(
      "services",
      "removed",
      ["VirtualService", undefined],
      ["DestinationRule", undefined],
      ["ServiceEntry", undefined],
    );
  }
}
