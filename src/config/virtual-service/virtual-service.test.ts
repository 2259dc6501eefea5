import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kindSuite, outlineOf, problemsOf } from "./kind.suite.ts";
import { type VirtualService, virtualServiceKind } from "./virtual-service.ts";

const destination = { host: "reviews", subset: "v1", port: { number: 9080 } };
const changes = { set: { "x-a": "1" }, add: { "x-b": "%REQ(x-id)%" }, remove: ["x-c"] };
const headers = { request: changes, response: changes };

const routing: VirtualService = {
  hosts: ["reviews.shop.svc.cluster.local", "*.reviews.example.com", "10.0.0.9"],
  gateways: ["mesh", "edge/public"],
  exportTo: [".", "billing"],
  http: [
    {
      name: "canary",
      match: [{ exact: "/a" }, { prefix: "/b" }, { regex: "/c[0-9]+" }].map((text) => ({
        name: "by-everything",
        uri: text,
        scheme: text,
        method: text,
        authority: text,
        headers: { "x-canary": text, "x-any": {} },
        withoutHeaders: { "x-bot": text },
        queryParams: { debug: text },
        ignoreUriCase: true,
        port: 9080,
        sourceLabels: { app: "cart" },
        sourceNamespace: "shop",
        gateways: ["mesh"],
        statPrefix: "canary",
      })),
      route: [
        { destination, weight: 90, headers },
        { destination: { host: "reviews" }, weight: 10 },
      ],
      rewrite: { uri: "/", authority: "reviews.internal" },
      timeout: "2s",
      retries: {
        attempts: 3,
        perTryTimeout: "500ms",
        retryOn: "5xx, reset,503",
        retryRemoteLocalities: true,
        retryIgnorePreviousHosts: false,
        backoff: "30ms",
      },
      fault: {
        delay: { fixedDelay: "1s", percent: 5, percentage: { value: 0.5 } },
        abort: { httpStatus: 503, percentage: { value: 1 } },
      },
      mirror: destination,
      mirrorPercent: 5,
      mirror_percent: 5,
      mirrorPercentage: { value: 12.5 },
      corsPolicy: {
        allowOrigin: ["https://example.com"],
        allowOrigins: [
          { exact: "https://a.example" },
          { prefix: "https://" },
          { regex: "https://[a-z]+\\.example\\.com" },
        ],
        allowMethods: ["GET"],
        allowHeaders: ["x-id"],
        exposeHeaders: ["x-id"],
        maxAge: "24h",
        allowCredentials: true,
        unmatchedPreflights: "IGNORE",
      },
      headers,
    },
    {
      match: [{ uri: { prefix: "/old" } }],
      route: [{ destination }],
      rewrite: { uriRegexRewrite: { match: "^/old/(.*)$", rewrite: "/new/\\1" } },
      fault: { delay: { exponentialDelay: "1s" }, abort: { grpcStatus: "UNAVAILABLE" } },
      mirrors: [{ destination, percentage: { value: 100 } }],
    },
    {
      match: [{ uri: { prefix: "/gone" } }],
      redirect: { uri: "/", authority: "example.com", port: 8443, scheme: "https", redirectCode: 308 },
    },
    { match: [{ uri: { prefix: "/moved" } }], redirect: { prefixRewrite: "/to", derivePort: "FROM_REQUEST_PORT" } },
    { match: [{ uri: { exact: "/teapot" } }], directResponse: { status: 418, body: { string: "short and stout" } } },
    { match: [{ uri: { exact: "/bytes" } }], directResponse: { status: 200, body: { bytes: "AAEC" } } },
    { match: [{ uri: { prefix: "/deep" } }], delegate: { name: "deep", namespace: "billing" } },
    { route: [{ destination }], fault: { abort: { http2Error: "REFUSED_STREAM" } } },
  ],
};

const connections: VirtualService = {
  hosts: ["db.shop.svc.cluster.local"],
  tcp: [
    {
      match: [
        {
          destinationSubnets: ["10.0.0.0/8", "10.1.2.3"],
          port: 5432,
          sourceLabels: { app: "cart" },
          gateways: ["mesh"],
          sourceNamespace: "shop",
          sourceSubnet: "2001:db8::/32",
        },
      ],
      route: [{ destination, weight: 1 }],
    },
  ],
  tls: [
    {
      match: [
        {
          sniHosts: ["db.shop.svc.cluster.local"],
          destinationSubnets: ["10.0.0.0/8"],
          port: 443,
          sourceLabels: { app: "cart" },
          gateways: ["mesh"],
          sourceNamespace: "shop",
        },
      ],
      route: [{ destination, weight: 1 }],
    },
  ],
};

// One rule each: damage in a small object is found faster.
const rules: VirtualService[] = (routing.http ?? []).map((rule) => ({ ...routing, http: [rule] }));

kindSuite(
  virtualServiceKind,
  [...rules, connections],
  [
    "http[].delegate",
    "http[].fault.abort.http2Error",
    "http[].fault.delay.exponentialDelay",
    "http[].match[].statPrefix",
  ],
);

/** Problems of a VirtualService for `reviews` whose first rule has these fields beside a destination. */
function ruleProblems(rule: object): string[] {
  return outlineOf(
    problemsOf(virtualServiceKind, { hosts: ["reviews"], http: [{ route: [{ destination }], ...rule }] }),
  );
}

function specProblems(spec: object): string[] {
  return outlineOf(problemsOf(virtualServiceKind, spec));
}

const broken = (path: string): string[] => [`error LAT1007 spec.${path}`];
const dubious = (path: string): string[] => [`warning LAT1007 spec.${path}`];

describe("VirtualService with many rules", () => {
  it("is valid as its rules are", () => {
    const errors = problemsOf(virtualServiceKind, routing).filter((problem) => problem.severity === "error");
    assert.deepEqual(errors, []);
  });
});

describe("VirtualService hosts", () => {
  const http = [{ route: [{ destination }] }];

  it("needs at least one", () => {
    assert.deepEqual(specProblems({ http }), broken("hosts"));
    assert.deepEqual(specProblems({ hosts: [], http }), broken("hosts"));
  });

  it("takes DNS names, wildcards at the front and addresses", () => {
    for (const host of ["a", "a.b.c", "*.b.c", "*-eu.b.c", "a.b.c.", "10.0.0.1", "2001:db8::1"]) {
      assert.deepEqual(specProblems({ hosts: [host], http }), [], host);
    }
    for (const host of ["", "a..b", "a.*.b", "a*", "-a", "a_b", "*.", "10.0.0.300", "fe80::1%eth0", "a".repeat(64)]) {
      assert.deepEqual(specProblems({ hosts: ["a", host], http }), broken("hosts[1]"), host);
    }
  });

  it("refuses to take over the whole mesh with *", () => {
    assert.deepEqual(specProblems({ hosts: ["*"], http }), broken("hosts[0]"));
    assert.deepEqual(specProblems({ hosts: ["*"], gateways: ["edge", "mesh"], http }), broken("hosts[0]"));
    assert.deepEqual(specProblems({ hosts: ["*"], gateways: ["edge"], http }), ["warning LAT1010 spec.gateways"]);
  });

  it("refuses the same host twice, whatever its case", () => {
    assert.deepEqual(specProblems({ hosts: ["a.b", "A.b"], http }), broken("hosts[1]"));
  });

  it("needs rules", () => {
    assert.deepEqual(specProblems({ hosts: ["a"] }), ["error LAT1007 spec"]);
    assert.deepEqual(specProblems({ hosts: ["a"], http: [] }), ["error LAT1007 spec"]);
  });

  it("checks gateways and exportTo", () => {
    assert.deepEqual(specProblems({ hosts: ["a"], http, gateways: ["mesh", "a/b/c"] }), broken("gateways[1]"));
    assert.deepEqual(specProblems({ hosts: ["a"], http, exportTo: ["No Namespace"] }), broken("exportTo[0]"));
  });
});

describe("VirtualService http rules", () => {
  it("have exactly one outcome", () => {
    assert.deepEqual(ruleProblems({ route: [] }), broken("http[0]"));
    assert.deepEqual(ruleProblems({ route: undefined }), broken("http[0]"));
    assert.deepEqual(ruleProblems({ directResponse: { status: 200 } }), broken("http[0]"));
    assert.deepEqual(ruleProblems({ route: [], redirect: { uri: "/" } }), []);
  });

  it("disturb and rewrite only what is forwarded", () => {
    const answered = { route: undefined, directResponse: { status: 200 } };
    assert.deepEqual(ruleProblems({ ...answered, rewrite: { uri: "/" } }), broken("http[0].rewrite"));
    assert.deepEqual(ruleProblems({ ...answered, fault: { abort: { httpStatus: 500 } } }), broken("http[0].fault"));
    assert.deepEqual(ruleProblems({ mirror: destination, mirrors: [{ destination }] }), broken("http[0].mirrors"));
  });

  it("share requests by weights that add up to something", () => {
    const weights = (...all: number[]) => ruleProblems({ route: all.map((weight) => ({ destination, weight })) });
    assert.deepEqual(weights(0), []);
    assert.deepEqual(weights(0, 100), []);
    assert.deepEqual(weights(1, 1, 1), []);
    assert.deepEqual(weights(0, 0), broken("http[0].route"));
    assert.deepEqual(ruleProblems({ route: [{ destination }, { destination }] }), broken("http[0].route"));
    assert.deepEqual(weights(-1, 101), broken("http[0].route[0].weight"));
    assert.deepEqual(weights(2 ** 31 - 1, 2 ** 31 - 1, 2), broken("http[0].route"));
  });

  it("name a service, one of its ports and a subset", () => {
    const to = (value: object) => ruleProblems({ route: [{ destination: value }] });
    const at = (field: string) => broken(`http[0].route[0].destination.${field}`);
    assert.deepEqual(to({ host: "*.example.com" }), []);
    for (const host of ["*", "", "a b", "spiffe://x"]) assert.deepEqual(to({ host }), at("host"), host);
    for (const number of [0, 65536, 4294967295])
      assert.deepEqual(to({ host: "a", port: { number } }), at("port.number"));
    assert.deepEqual(to({ host: "a", port: {} }), at("port.number"));
    assert.deepEqual(to({ host: "a", subset: "v 1" }), at("subset"));
  });

  it("match paths, headers and parameters that can exist", () => {
    const match = (value: object) => ruleProblems({ match: [value] });
    const at = (field: string) => `http[0].match[0].${field}`;
    assert.deepEqual(match({ uri: { prefix: "v1" } }), dubious(at("uri.prefix")));
    assert.deepEqual(match({ uri: { prefix: "" } }), broken(at("uri.prefix")));
    assert.deepEqual(match({ uri: { exact: "/", prefix: "/" } }), broken(at("uri")));
    assert.deepEqual(match({ headers: { "bad header": {} } }), broken(at('headers["bad header"]')));
    assert.deepEqual(match({ withoutHeaders: { "": {} } }), broken(at('withoutHeaders[""]')));
    assert.deepEqual(match({ headers: { ":path": { exact: "/" } } }), []);
    assert.deepEqual(match({ headers: { uri: { exact: "/" } } }), dubious(at("headers.uri")));
    assert.deepEqual(match({ queryParams: { "": {} } }), broken(at('queryParams[""]')));
    const long = "é".repeat(513);
    assert.deepEqual(match({ queryParams: { ["q".repeat(1024)]: {} } }), []);
    assert.deepEqual(match({ queryParams: { [long]: {} } }), broken(at(`queryParams["${long}"]`)));
    assert.deepEqual(match({ headers: { "@request.auth.claims.group": { exact: "a" } } }), [
      'warning LAT1010 spec.http[0].match[0].headers["@request.auth.claims.group"]',
    ]);
    assert.deepEqual(match({ port: 65536 }), broken(at("port")));
  });

  it("use regular expressions that Envoy accepts", () => {
    const regex = (text: string) => ruleProblems({ match: [{ headers: { "x-a": { regex: text } } }] });
    const refused = broken("http[0].match[0].headers.x-a.regex");
    for (const text of ["(a+)+$", "(?i)abc", "[[:alpha:]]{3}", "\\d+", "a".repeat(1024)])
      assert.deepEqual(regex(text), []);
    for (const text of ["", "(?=a)b", "(a)\\1", "[", "a{1001}", "a".repeat(1025), "((a{500}){500}){500}"]) {
      assert.deepEqual(regex(text), refused, text.slice(0, 20));
    }
  });

  it("set headers that Envoy accepts", () => {
    const request = (operations: object) => ruleProblems({ headers: { request: operations } });
    const at = (rest: string) => broken(`http[0].headers.request.${rest}`);
    assert.deepEqual(request({ set: { ":authority": "a", "x-p": "100%%", "x-t": "%START_TIME(%s)%" } }), []);
    assert.deepEqual(request({ set: { "x-p": "100%" } }), at("set.x-p"));
    assert.deepEqual(request({ set: { "x-p": "a\r\nb: c" } }), at("set.x-p"));
    assert.deepEqual(request({ add: { ":path": "/" } }), at('add[":path"]'));
    assert.deepEqual(request({ remove: ["x-a", "Host"] }), at("remove[1]"));
    assert.deepEqual(request({ set: { host: "a" }, add: { ":authority": "b" } }), at('add[":authority"]'));
    assert.deepEqual(
      ruleProblems({ headers: { response: { set: { Host: "a" } } } }),
      broken("http[0].headers.response.set.Host"),
    );
    assert.deepEqual(
      ruleProblems({ rewrite: { authority: "a" }, headers: { request: { set: { host: "b" } } } }),
      broken("http[0].headers.request.set.host"),
    );
  });

  it("redirect and answer with what Envoy can say", () => {
    const redirect = (value: object) => ruleProblems({ route: undefined, redirect: value });
    const at = (field: string) => broken(`http[0].redirect.${field}`);
    assert.deepEqual(redirect({}), broken("http[0].redirect"));
    assert.deepEqual(redirect({ redirectCode: 301 }), broken("http[0].redirect"));
    assert.deepEqual(redirect({ scheme: "ftp" }), at("scheme"));
    assert.deepEqual(redirect({ uri: "/", redirectCode: 300 }), at("redirectCode"));
    assert.deepEqual(redirect({ uri: "/", prefixRewrite: "/" }), at("prefixRewrite"));
    assert.deepEqual(redirect({ port: 80, derivePort: "FROM_REQUEST_PORT" }), broken("http[0].redirect"));
    const answer = (value: object) => ruleProblems({ route: undefined, directResponse: value });
    for (const status of [0, 199, 600]) assert.deepEqual(answer({ status }), broken("http[0].directResponse.status"));
    const body = (value: object) => answer({ status: 200, body: value });
    assert.deepEqual(body({ string: "a".repeat((1 << 20) + 1) }), broken("http[0].directResponse.body.string"));
    assert.deepEqual(body({ bytes: "%%%" }), broken("http[0].directResponse.body.bytes"));
    assert.deepEqual(body({ bytes: "", string: "" }), broken("http[0].directResponse.body"));
  });

  it("rewrite and redirect to text that fits on one line", () => {
    for (const end of ["\n", "\r", "\0"]) {
      const bad = `/a${end}b`;
      const rewrite = (value: object) => ruleProblems({ rewrite: value });
      const redirect = (value: object) => ruleProblems({ route: undefined, redirect: value });
      assert.deepEqual(rewrite({ uri: bad, authority: bad }), [
        ...broken("http[0].rewrite.uri"),
        ...broken("http[0].rewrite.authority"),
      ]);
      assert.deepEqual(
        rewrite({ uriRegexRewrite: { match: "/", rewrite: bad } }),
        broken("http[0].rewrite.uriRegexRewrite.rewrite"),
      );
      assert.deepEqual(redirect({ uri: bad, authority: bad }), [
        ...broken("http[0].redirect.uri"),
        ...broken("http[0].redirect.authority"),
      ]);
      assert.deepEqual(redirect({ prefixRewrite: bad }), broken("http[0].redirect.prefixRewrite"));
    }
    assert.deepEqual(ruleProblems({ rewrite: { uri: "/a\tb%0A" } }), []);
  });

  it("rewrite with groups that exist", () => {
    const rewrite = (value: object) => ruleProblems({ rewrite: value });
    const regex = (match: string, text: string) => rewrite({ uriRegexRewrite: { match, rewrite: text } });
    assert.deepEqual(rewrite({}), broken("http[0].rewrite"));
    assert.deepEqual(rewrite({ uriRegexRewrite: { match: "a" } }), broken("http[0].rewrite.uriRegexRewrite"));
    assert.deepEqual(regex("(a)(?:b)(?P<c>c)", "\\2\\0\\\\"), []);
    assert.deepEqual(regex("(a)(?:b)", "\\2"), broken("http[0].rewrite.uriRegexRewrite.rewrite"));
    assert.deepEqual(regex("(a)", "\\n"), broken("http[0].rewrite.uriRegexRewrite.rewrite"));
    assert.deepEqual(regex("(a", "\\1"), broken("http[0].rewrite.uriRegexRewrite.match"));
    assert.deepEqual(
      rewrite({ uri: "/", uriRegexRewrite: { match: "a", rewrite: "b" } }),
      broken("http[0].rewrite.uriRegexRewrite"),
    );
  });

  it("retry for reasons that Envoy knows", () => {
    const retries = (value: object) => ruleProblems({ retries: value });
    const at = (field: string) => broken(`http[0].retries.${field}`);
    assert.deepEqual(retries({ attempts: 0 }), []);
    assert.deepEqual(retries({ attempts: 2, retryOn: "gateway-error,connect-failure,429" }), []);
    assert.deepEqual(retries({ attempts: -1 }), at("attempts"));
    assert.deepEqual(retries({ retryOn: "5xx" }), at("attempts"));
    for (const retryOn of ["5xx,,reset", "sometimes", "99", "600"]) {
      assert.deepEqual(retries({ attempts: 1, retryOn }), at("retryOn"), retryOn);
    }
    for (const perTryTimeout of ["0s", "-1s", "1e20s", "NaN", "5"]) {
      assert.deepEqual(retries({ attempts: 1, perTryTimeout }), at("perTryTimeout"), perTryTimeout);
    }
  });

  it("inject faults that can happen", () => {
    const fault = (value: object) => ruleProblems({ fault: value });
    const at = (field: string) => broken(`http[0].fault${field}`);
    assert.deepEqual(fault({}), at(""));
    assert.deepEqual(fault({ delay: { percentage: { value: 1 } } }), at(".delay"));
    assert.deepEqual(fault({ abort: {} }), at(".abort"));
    assert.deepEqual(fault({ abort: { httpStatus: 503, grpcStatus: "OK" } }), at(".abort"));
    assert.deepEqual(fault({ abort: { grpcStatus: "14" } }), at(".abort.grpcStatus"));
    for (const httpStatus of [199, 600, -1])
      assert.deepEqual(fault({ abort: { httpStatus } }), at(".abort.httpStatus"));
    for (const value of [-1, 100.5]) {
      assert.deepEqual(fault({ abort: { httpStatus: 500, percentage: { value } } }), at(".abort.percentage.value"));
    }
    assert.deepEqual(fault({ delay: { fixedDelay: "1s", percent: 101 } }), at(".delay.percent"));
  });

  it("say that a fault without a percentage concerns no request", () => {
    const fault = (value: object) => ruleProblems({ fault: value });
    assert.deepEqual(fault({ delay: { fixedDelay: "1s" } }), dubious("http[0].fault.delay"));
    assert.deepEqual(fault({ abort: { httpStatus: 500 } }), dubious("http[0].fault.abort"));
    assert.deepEqual(fault({ delay: { fixedDelay: "1s", percent: 5 } }), []);
  });

  it("mirror a share between 0 and 100 percent", () => {
    assert.deepEqual(ruleProblems({ mirror: destination, mirrorPercent: 101 }), broken("http[0].mirrorPercent"));
    assert.deepEqual(
      ruleProblems({ mirrors: [{ destination, percentage: { value: -0.1 } }] }),
      broken("http[0].mirrors[0].percentage.value"),
    );
  });

  it("answer browsers in whole seconds about origins that say something", () => {
    const cors = (value: object) => ruleProblems({ corsPolicy: value });
    assert.deepEqual(cors({ maxAge: "1500ms" }), broken("http[0].corsPolicy.maxAge"));
    assert.deepEqual(cors({ allowOrigins: [{}] }), broken("http[0].corsPolicy.allowOrigins[0]"));
    assert.deepEqual(cors({ allowMethods: ["G ET"] }), broken("http[0].corsPolicy.allowMethods[0]"));
    assert.deepEqual(cors({ allowHeaders: ["*", "a b"] }), broken("http[0].corsPolicy.allowHeaders[1]"));
  });
});

describe("VirtualService rules that are never used", () => {
  const to = { route: [{ destination }] };
  const rules = (...http: object[]) => specProblems({ hosts: ["reviews"], http });

  it("are found behind a rule that takes everything", () => {
    const last = { match: [{ uri: { prefix: "/x" } }], ...to };
    const takesAll = [
      to,
      { match: [{}], ...to },
      { match: [{ uri: { prefix: "/" } }], ...to },
      { match: [{ headers: { a: {} } }, { uri: { regex: ".*" }, name: "n" }], ...to },
    ];
    for (const first of takesAll) assert.deepEqual(rules(first, last), ["warning IST0130 spec.http[0]"]);
    assert.deepEqual(rules({ match: [{ uri: { prefix: "/" }, port: 80 }], ...to }, last), []);
    assert.deepEqual(rules(last, to), []);
  });

  it("are found where they repeat an earlier match", () => {
    const a = { headers: { a: {}, b: {} }, uri: { prefix: "/a" } };
    const sameAsA = { uri: { prefix: "/a" }, headers: { b: {}, a: {} }, name: "again" };
    assert.deepEqual(rules({ match: [a], ...to }, { match: [sameAsA], ...to }), ["warning IST0130 spec.http[1]"]);
    assert.deepEqual(rules({ match: [a], ...to }, { match: [{ port: 1 }, sameAsA], ...to }), [
      "info IST0131 spec.http[1].match[1]",
    ]);
  });
});

describe("VirtualService tcp and tls rules", () => {
  const route = [{ destination }];
  const tcp = (rule: object) => specProblems({ hosts: ["db.shop"], tcp: [rule] });
  const tls = (match: object) => specProblems({ hosts: ["*.shop"], tls: [{ match: [match], route }] });

  it("need a destination", () => {
    assert.deepEqual(tcp({}), broken("tcp[0].route"));
    assert.deepEqual(tcp({ route: [{ destination, weight: 0 }, { destination }] }), broken("tcp[0].route"));
  });

  it("take addresses and blocks", () => {
    for (const subnet of ["10.0.0.0/33", "10.0.0", "::/129", "a/8", "10.0.0.1/08"]) {
      const problems = tcp({ match: [{ destinationSubnets: [subnet] }], route });
      assert.ok(problems.includes("error LAT1007 spec.tcp[0].match[0].destinationSubnets[0]"), subnet);
    }
  });

  it("keep server names within the hosts", () => {
    assert.deepEqual(tls({ sniHosts: ["db.shop", "*.eu.shop"] }), []);
    assert.deepEqual(tls({ sniHosts: ["db.shop", "shop", "db.bank"] }), [
      ...broken("tls[0].match[0].sniHosts[1]"),
      ...broken("tls[0].match[0].sniHosts[2]"),
    ]);
    assert.deepEqual(tls({ sniHosts: [] }), broken("tls[0].match[0].sniHosts"));
  });
});
