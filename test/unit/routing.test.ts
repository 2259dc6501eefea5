// What a VirtualService promises, asked of the resources that its callers get.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forwarded, machine, meshOf, object, service, shares, transports, workload } from "./mesh-world.fake.ts";

const v1 = "outbound|80|v1|reviews.shop.svc.cluster.local";
const v2 = "outbound|80|v2|reviews.shop.svc.cluster.local";
const workloads = [
  service("reviews", "[{number: 80, name: http, protocol: HTTP}]"),
  workload("reviews-v1", "198.18.1.1", "{app: reviews, version: v1}"),
  workload("reviews-v2", "198.18.1.2", "{app: reviews, version: v2}"),
].join("");
const subsets = "subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]";
const reviews = workloads + object("DestinationRule", "reviews", `{host: reviews, ${subsets}}`);

/** The mesh with these HTTP rules for reviews, as the machine `front` sees it. */
function routes(http: string, more = "") {
  return machine(
    meshOf(`${reviews}${object("VirtualService", "reviews", `{hosts: [reviews], http: ${http}}`)}${more}`),
  );
}

const toV1 = "route: [{destination: {host: reviews, subset: v1}}]";
const toV2 = "route: [{destination: {host: reviews, subset: v2}}]";

describe("weights", () => {
  const canary = `[{route: [{destination: {host: reviews, subset: v1}, weight: 90}, {destination: {host: reviews, subset: v2}, weight: 10}]}]`;

  it("90/10 sends nine tenths to one subset and the rest to the other", () => {
    assert.deepEqual(shares(routes(canary).http("http://reviews/")), { [v1]: 90, [v2]: 10 });
  });

  it("lead to the endpoints of each subset, by mutual TLS", () => {
    const { destinations } = forwarded(routes(canary).http("http://reviews/"));
    const endpoints = destinations.map(({ upstream }) =>
      upstream.kind === "endpoints" ? upstream.endpoints.map(({ address }) => address) : [],
    );
    assert.deepEqual(endpoints, [["198.18.1.1"], ["198.18.1.2"]]);
    assert.deepEqual(transports(routes(canary).http("http://reviews/")), {
      "198.18.1.1:80": "mutual TLS",
      "198.18.1.2:80": "mutual TLS",
    });
  });

  it("of 0 send nothing", () => {
    const off = canary.replace("weight: 90", "weight: 0");
    assert.deepEqual(shares(routes(off).http("http://reviews/")), { [v2]: 100 });
  });

  it("need not add up to 100", () => {
    const thirds = canary.replace("weight: 90", "weight: 2").replace("weight: 10", "weight: 1");
    assert.deepEqual(shares(routes(thirds).http("http://reviews/")), { [v1]: 66.7, [v2]: 33.3 });
  });
});

describe("matches", () => {
  const cases: [
    match: string,
    url: string,
    ask: { method?: string; headers?: Record<string, string> },
    taken: boolean,
  ][] = [
    ["uri: {exact: /a}", "http://reviews/a", {}, true],
    ["uri: {exact: /a}", "http://reviews/a?x=1", {}, true],
    ["uri: {exact: /a}", "http://reviews/a/", {}, false],
    ["uri: {exact: /a}", "http://reviews/A", {}, false],
    ["uri: {exact: /a}, ignoreUriCase: true", "http://reviews/A", {}, true],
    ["uri: {prefix: /api}", "http://reviews/apix", {}, true],
    ["uri: {prefix: /api}, ignoreUriCase: true", "http://reviews/API/x", {}, true],
    ['uri: {regex: "/v[0-9]+"}', "http://reviews/v12", {}, true],
    ['uri: {regex: "/v[0-9]+"}', "http://reviews/v12/x", {}, false],
    ["method: {exact: POST}", "http://reviews/", { method: "POST" }, true],
    ["method: {exact: POST}", "http://reviews/", {}, false],
    ["authority: {exact: reviews}", "http://reviews/", {}, true],
    ["authority: {prefix: reviews.}", "http://reviews.shop/", {}, true],
    ["scheme: {exact: http}", "http://reviews/", {}, true],
    ["scheme: {exact: https}", "http://reviews/", {}, false],
    ["headers: {x-user: {exact: bob}}", "http://reviews/", { headers: { "X-User": "bob" } }, true],
    ["headers: {x-user: {exact: bob}}", "http://reviews/", {}, false],
    ["headers: {x-user: {}}", "http://reviews/", { headers: { "x-user": "" } }, true],
    ["headers: {x-user: {}}", "http://reviews/", {}, false],
    ["headers: {uri: {exact: nothing}}", "http://reviews/", {}, true],
    ["withoutHeaders: {x-bot: {}}", "http://reviews/", {}, true],
    ["withoutHeaders: {x-bot: {}}", "http://reviews/", { headers: { "x-bot": "1" } }, false],
    ["withoutHeaders: {x-bot: {exact: bad}}", "http://reviews/", {}, true],
    ["withoutHeaders: {x-bot: {exact: bad}}", "http://reviews/", { headers: { "x-bot": "good" } }, true],
    ["withoutHeaders: {x-bot: {exact: bad}}", "http://reviews/", { headers: { "x-bot": "bad" } }, false],
    ["queryParams: {debug: {exact: '1'}}", "http://reviews/?debug=1", {}, true],
    ["queryParams: {debug: {exact: '1'}}", "http://reviews/?debug=11", {}, false],
    ["queryParams: {debug: {}}", "http://reviews/?debug", {}, true],
    ["queryParams: {debug: {prefix: a}}", "http://reviews/", {}, false],
    ["uri: {prefix: /a}, method: {exact: PUT}", "http://reviews/a", {}, false],
    ["port: 80", "http://reviews/", {}, true],
    ["port: 8080", "http://reviews/", {}, false],
    ["gateways: [mesh]", "http://reviews/", {}, true],
    ["gateways: [edge]", "http://reviews/", {}, false],
    ["sourceNamespace: shop", "http://reviews/", {}, true],
    ["sourceNamespace: bank", "http://reviews/", {}, false],
    ["sourceLabels: {app: front}", "http://reviews/", {}, true],
    ["sourceLabels: {app: back}", "http://reviews/", {}, false],
  ];
  for (const [match, url, ask, taken] of cases) {
    it(`{${match}} ${taken ? "takes" : "leaves"} ${ask.method ?? "GET"} ${url} ${JSON.stringify(ask.headers ?? {})}`, () => {
      const result = routes(`[{match: [{${match}}], ${toV2}}, {${toV1}}]`).http(url, ask);
      assert.deepEqual(shares(result), { [taken ? v2 : v1]: 100 });
    });
  }

  it("are tried in order, and one of a rule suffices", () => {
    const front = routes(
      `[{name: first, match: [{name: a, uri: {prefix: /a}}, {name: b, uri: {prefix: /b}}], ${toV1}}, {name: second, match: [{uri: {prefix: /a/b}}], ${toV2}}, {name: rest, ${toV2}}]`,
    );
    assert.equal(front.http("http://reviews/a/b").route, "first.a");
    assert.equal(front.http("http://reviews/b").route, "first.b");
    assert.equal(front.http("http://reviews/c").route, "rest");
  });

  it("that none takes are answered with 404", () => {
    assert.equal(routes(`[{match: [{uri: {prefix: /a}}], ${toV1}}]`).http("http://reviews/b").outcome, "noRoute");
  });

  it("that all are for others leave the service its default route", () => {
    const result = routes(`[{match: [{sourceLabels: {app: back}}], ${toV2}}]`).http("http://reviews/");
    assert.deepEqual(shares(result), { "outbound|80||reviews.shop.svc.cluster.local": 100 });
  });
});

describe("timeout and retries", () => {
  it("are as the rule says", () => {
    const result = forwarded(
      routes(`[{${toV1}, timeout: 2.5s, retries: {attempts: 3, perTryTimeout: 500ms, retryOn: "5xx,reset,429"}}]`).http(
        "http://reviews/",
      ),
    );
    assert.equal(result.timeoutMs, 2500);
    assert.deepEqual(result.retries, {
      attempts: 3,
      on: ["5xx", "reset", "retriable-status-codes"],
      statusCodes: [429],
      perTryTimeoutMs: 500,
    });
  });

  it("without a word are none, and Istio's two retries", () => {
    const result = forwarded(machine(meshOf(reviews)).http("http://reviews/"));
    assert.equal(result.timeoutMs, 0);
    assert.equal(result.retries?.attempts, 2);
    assert.ok(result.retries?.on.includes("connect-failure"));
  });

  it("attempts: 0 and an empty policy switch retries off", () => {
    for (const retries of ["{attempts: 0}", "{}"]) {
      const result = forwarded(routes(`[{${toV1}, retries: ${retries}}]`).http("http://reviews/"));
      assert.equal(result.retries, undefined);
    }
  });
});

describe("faults", () => {
  it("delay and abort their shares", () => {
    const fault =
      "fault: {delay: {fixedDelay: 2s, percentage: {value: 0.1}}, abort: {httpStatus: 503, percentage: {value: 50}}}";
    const result = forwarded(routes(`[{${toV1}, ${fault}}]`).http("http://reviews/"));
    assert.deepEqual(result.fault, { delay: { ms: 2000, percent: 0.1 }, abort: { percent: 50, httpStatus: 503 } });
  });

  it("of every request are an answer", () => {
    const abort = (error: string) => routes(`[{${toV1}, fault: {abort: {${error}, percentage: {value: 100}}}}]`);
    const http = abort("httpStatus: 418").http("http://reviews/");
    assert.equal(http.outcome === "answered" && http.status, 418);
    const grpc = abort("grpcStatus: UNAVAILABLE").http("http://reviews/", {
      method: "POST",
      headers: { "content-type": "application/grpc" },
    });
    assert.deepEqual(grpc.outcome === "answered" && grpc.headers, { "grpc-status": "14" });
  });

  it("without a percentage concern no request, as in Istio", () => {
    const result = forwarded(
      routes(`[{${toV1}, fault: {delay: {fixedDelay: 2s}, abort: {httpStatus: 503, percentage: {}}}}]`).http(
        "http://reviews/",
      ),
    );
    assert.deepEqual(result.fault, { delay: { ms: 2000, percent: 0 }, abort: { percent: 0, httpStatus: 503 } });
  });

  it("percent is the old spelling of percentage", () => {
    const result = forwarded(
      routes(`[{${toV1}, fault: {delay: {fixedDelay: 2s, percent: 7}}}]`).http("http://reviews/"),
    );
    assert.equal(result.fault?.delay?.percent, 7);
  });
});

describe("redirects", () => {
  const cases: [redirect: string, status: number, location: string][] = [
    ["uri: /new", 301, "http://reviews/new?q=1"],
    ["uri: '/new?own=2'", 301, "http://reviews/new?own=2"],
    ["authority: other.example, redirectCode: 302", 302, "http://other.example/old/x?q=1"],
    ["scheme: https", 301, "https://reviews/old/x?q=1"],
    ["scheme: https, port: 443", 301, "https://reviews/old/x?q=1"],
    ["port: 8443, redirectCode: 308", 308, "http://reviews:8443/old/x?q=1"],
    ["derivePort: FROM_REQUEST_PORT, uri: /n", 301, "http://reviews/n?q=1"],
    ["scheme: https, derivePort: FROM_REQUEST_PORT", 301, "https://reviews:80/old/x?q=1"],
    ["prefixRewrite: /new", 301, "http://reviews/new/x?q=1"],
    ["uri: '%PREFIX()%/new'", 301, "http://reviews/new/x?q=1"],
  ];
  for (const [redirect, status, location] of cases) {
    it(`{${redirect}} answers ${status} ${location}`, () => {
      const result = routes(`[{match: [{uri: {prefix: /old}}], redirect: {${redirect}}}]`).http(
        "http://reviews/old/x?q=1",
      );
      assert.ok(result.outcome === "answered" && result.by === "redirect");
      assert.deepEqual([result.status, result.headers["location"]], [status, location]);
    });
  }
});

describe("rewrites", () => {
  const cases: [match: string, rewrite: string, path: string, rewritten: string][] = [
    ["uri: {prefix: /shop}", "uri: /", "/shop/cart?x=1", "/cart?x=1"],
    ["uri: {prefix: /shop}", "uri: /", "/shop", "/"],
    ["uri: {prefix: /shop/}", "uri: /", "/shop/cart", "/cart"],
    ["uri: {prefix: /shop}, ignoreUriCase: true", "uri: /", "/SHOP/cart", "/cart"],
    ["uri: {prefix: /shop}", "uri: /store", "/shop/cart", "/store/cart"],
    ["uri: {exact: /shop}", "uri: /store", "/shop?x=1", "/store?x=1"],
    ['uri: {regex: "/shop/.*"}', "uri: /store", "/shop/cart?x=1", "/store?x=1"],
    [
      "uri: {prefix: /}",
      'uriRegexRewrite: {match: "^/v([0-9]+)/(.*)", rewrite: "/\\\\2/v\\\\1"}',
      "/v7/a?b=/v7/",
      "/a/v7?b=/v7/",
    ],
    ["uri: {prefix: /a}", "authority: other", "/a", "/a"],
  ];
  for (const [match, rewrite, path, rewritten] of cases) {
    it(`{${match}} {${rewrite}} makes ${path} into ${rewritten}`, () => {
      const result = forwarded(
        routes(`[{match: [{${match}}], rewrite: {${rewrite}}, ${toV1}}]`).http(`http://reviews${path}`),
      );
      assert.equal(result.path, rewritten);
    });
  }

  it("of the authority are what the destination sees", () => {
    const authorities = (rule: string) =>
      forwarded(routes(`[{${rule}}]`).http("http://reviews/")).destinations.map(({ authority }) => authority);
    assert.deepEqual(authorities(`${toV1}, rewrite: {authority: other.example}`), ["other.example"]);
    assert.deepEqual(authorities(`${toV1}, headers: {request: {set: {Host: other.example}}}`), ["other.example"]);
    const own = "headers: {request: {set: {':authority': own.example}}}";
    assert.deepEqual(authorities(`route: [{destination: {host: reviews}, ${own}}]`), ["own.example"]);
    const two = `route: [{destination: {host: reviews, subset: v1}, weight: 1, ${own}}, {destination: {host: reviews, subset: v2}, weight: 1}]`;
    assert.deepEqual(authorities(two), ["own.example", "reviews"]);
  });
});

describe("headers", () => {
  it("are set, added and removed for the rule and for its destinations", () => {
    const [first, second] = forwarded(
      routes(`[{
        route: [
          {destination: {host: reviews, subset: v1}, weight: 1, headers: {request: {set: {x-a: one}, remove: [x-b]}}},
          {destination: {host: reviews, subset: v2}, weight: 1, headers: {response: {add: {x-c: two}}}}],
        headers: {request: {add: {x-d: three}}, response: {remove: [x-e]}}}]`).http("http://reviews/"),
    ).destinations;
    assert.deepEqual(first?.requestHeaders, { set: { "x-a": "one" }, add: { "x-d": "three" }, remove: ["x-b"] });
    assert.deepEqual(second?.requestHeaders, { set: {}, add: { "x-d": "three" }, remove: [] });
    assert.deepEqual(second?.responseHeaders, { set: {}, add: { "x-c": "two" }, remove: ["x-e"] });
  });
});

describe("direct responses", () => {
  it("are given by the proxy itself", () => {
    const result = routes(`[{directResponse: {status: 503, body: {string: closed}}}]`).http("http://reviews/");
    assert.ok(result.outcome === "answered" && result.by === "direct response");
    assert.deepEqual([result.status, result.body], [503, "closed"]);
  });
});

describe("mirrors", () => {
  const mirrorsOf = (rule: string) => forwarded(routes(`[{${toV1}, ${rule}}]`).http("http://reviews/")).mirrors;

  it("copy all requests, or a share", () => {
    const mirror = "mirror: {host: reviews, subset: v2}";
    assert.deepEqual(mirrorsOf(mirror), [{ cluster: v2, percent: 100 }]);
    assert.deepEqual(mirrorsOf(`${mirror}, mirrorPercentage: {value: 0.5}`), [{ cluster: v2, percent: 0.5 }]);
    assert.deepEqual(mirrorsOf(`${mirror}, mirrorPercent: 3`), [{ cluster: v2, percent: 3 }]);
    assert.deepEqual(mirrorsOf(`${mirror}, mirror_percent: 4`), [{ cluster: v2, percent: 4 }]);
  });

  it("with a percentage of 0 copy nothing", () => {
    const mirror = "mirror: {host: reviews, subset: v2}";
    assert.deepEqual(mirrorsOf(`${mirror}, mirrorPercentage: {value: 0}`), []);
    assert.deepEqual(mirrorsOf(`${mirror}, mirrorPercentage: {}`), []);
  });

  it("can be several", () => {
    const rule =
      "mirrors: [{destination: {host: reviews, subset: v2}}, {destination: {host: reviews}, percentage: {value: 1}}]";
    assert.deepEqual(mirrorsOf(rule), [
      { cluster: v2, percent: 100 },
      { cluster: "outbound|80||reviews.shop.svc.cluster.local", percent: 1 },
    ]);
  });
});

describe("CORS", () => {
  const policy =
    "corsPolicy: {allowOrigins: [{exact: 'https://a.example'}, {regex: 'https://.*[.]b[.]example'}], allowMethods: [GET, POST], allowHeaders: [x-a], exposeHeaders: [x-b], maxAge: 1h, allowCredentials: true}";
  const ask = (rule: string, origin: string, preflight: boolean) =>
    routes(`[{${toV1}, ${rule}}]`).http("http://reviews/", {
      method: preflight ? "OPTIONS" : "GET",
      headers: { origin, ...(preflight ? { "access-control-request-method": "POST" } : {}) },
    });

  it("answers preflight requests of allowed origins", () => {
    for (const origin of ["https://a.example", "https://x.b.example"]) {
      const result = ask(policy, origin, true);
      assert.ok(result.outcome === "answered" && result.by === "CORS");
      assert.deepEqual(result.headers, {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "3600",
      });
    }
  });

  it("lets requests of allowed origins through with headers on the response", () => {
    assert.deepEqual(forwarded(ask(policy, "https://a.example", false)).cors, {
      kind: "allowed",
      responseHeaders: {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-b",
      },
    });
  });

  it("forwards preflight requests of other origins, or answers them where the policy says IGNORE", () => {
    assert.equal(ask(policy, "https://evil.example", true).outcome, "routed");
    const ignoring = policy.replace("maxAge", "unmatchedPreflights: IGNORE, maxAge");
    const ignored = ask(ignoring, "https://evil.example", true);
    assert.deepEqual(ignored.outcome === "answered" && ignored.headers, {});
  });

  it("reads the old list of origins, where * is any", () => {
    assert.equal(forwarded(ask("corsPolicy: {allowOrigin: ['*']}", "https://any.example", false)).cors.kind, "allowed");
  });
});

describe("consistent hashes", () => {
  const hashes: [hash: string, by: string][] = [
    ["httpHeaderName: x-user", "header x-user"],
    ["httpCookie: {name: session, ttl: 0s}", "cookie session"],
    ["useSourceIp: true", "source ip"],
    ["httpQueryParameterName: user", "query user"],
  ];
  for (const [hash, by] of hashes) {
    it(`by ${by}, on the default route and on rules`, () => {
      const rule = object(
        "DestinationRule",
        "reviews",
        `{host: reviews, trafficPolicy: {loadBalancer: {consistentHash: {${hash}}}}}`,
      );
      const base = workloads + rule;
      assert.deepEqual(forwarded(machine(meshOf(base)).http("http://reviews/")).hash, [by]);
      const routed = object(
        "VirtualService",
        "reviews",
        "{hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}",
      );
      assert.deepEqual(forwarded(machine(meshOf(base + routed)).http("http://reviews/")).hash, [by]);
    });
  }
});

describe("consistent hashes of weighted destinations", () => {
  const hashed = (header: string) => `trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: ${header}}}}`;
  const hashOf = (v1: string, v2: string, weights: [number, number]): readonly string[] => {
    const subsets = [`name: v1, labels: {version: v1}${v1}`, `name: v2, labels: {version: v2}${v2}`];
    const rule = object("DestinationRule", "reviews", `{host: reviews, subsets: [{${subsets.join("}, {")}}]}`);
    const destinations = weights.map(
      (weight, index) => `{destination: {host: reviews, subset: v${index + 1}}, weight: ${weight}}`,
    );
    const routed = object("VirtualService", "r", `{hosts: [reviews], http: [{route: [${destinations.join(", ")}]}]}`);
    return forwarded(machine(meshOf(workloads + rule + routed)).http("http://reviews/")).hash;
  };
  const v1 = `, ${hashed("x-one")}`;
  const v2 = `, ${hashed("x-two")}`;

  it("are those of all that get traffic", () => {
    assert.deepEqual(hashOf("", v2, [0, 100]), ["header x-two"]);
    assert.deepEqual(hashOf("", v2, [50, 50]), ["header x-two"]);
    assert.deepEqual(hashOf(v1, v2, [50, 50]), ["header x-one", "header x-two"]);
    assert.deepEqual(hashOf(v1, v2, [100, 0]), ["header x-one"]);
    assert.deepEqual(hashOf("", v2, [100, 0]), []);
  });

  it("are written once where destinations share one", () => {
    assert.deepEqual(hashOf(v1, v1, [50, 50]), ["header x-one"]);
  });
});

describe("destinations that are not there", () => {
  it("a service nobody defines is a missing cluster", () => {
    const result = routes("[{route: [{destination: {host: nowhere}}]}]").http("http://reviews/");
    assert.equal(result.outcome, "missingCluster");
    assert.deepEqual(shares(result), { "outbound|80||nowhere.shop.svc.cluster.local": 100 });
  });

  it("a subset nobody defines is a missing cluster", () => {
    assert.equal(
      routes("[{route: [{destination: {host: reviews, subset: v9}}]}]").http("http://reviews/").outcome,
      "missingCluster",
    );
  });

  it("a subset whose labels nobody carries has no endpoints", () => {
    const lost = reviews.replace("{version: v2}}]}", "{version: v9}}]}");
    const rule = object("VirtualService", "reviews", `{hosts: [reviews], http: [{${toV2}}]}`);
    assert.equal(machine(meshOf(lost + rule)).http("http://reviews/").outcome, "noEndpoints");
  });

  it("one of two destinations may be missing, and the call is still routed", () => {
    const result = routes(
      "[{route: [{destination: {host: reviews, subset: v1}, weight: 1}, {destination: {host: nowhere}, weight: 1}]}]",
    ).http("http://reviews/");
    assert.equal(result.outcome, "routed");
  });
});

describe("unhealthy endpoints", () => {
  const unhealthy = workload("reviews-v3", "198.18.1.3", "{app: reviews}").replace(
    "annotations: {",
    "annotations: {proxy.istio.io/health-checks-enabled: 'true', ",
  );

  it("get nothing, even where most are unhealthy", () => {
    const three =
      unhealthy +
      unhealthy.replaceAll("reviews-v3", "reviews-v4").replace("1.3", "1.4") +
      unhealthy.replaceAll("reviews-v3", "reviews-v5").replace("1.3", "1.5");
    const result = machine(meshOf(reviews + three)).http("http://reviews/");
    assert.deepEqual(Object.keys(transports(result)), ["198.18.1.1:80", "198.18.1.2:80"]);
  });

  it("alone are no endpoints at all", () => {
    const alone =
      service("lonely", "[{number: 80, name: http, protocol: HTTP}]") + unhealthy.replaceAll("reviews", "lonely");
    assert.equal(machine(meshOf(alone)).http("http://lonely/").outcome, "noEndpoints");
  });
});
