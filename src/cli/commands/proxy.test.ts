import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import { FakeApiServer, status } from "../api/api-server.fake.ts";
import { fakeAuthority } from "../api/tls.fake.ts";
import { fakeClusters, fakeDump } from "../proxy-config/config-dump.fake.ts";
import { run, testNowMs } from "../run.fake.ts";

let server: FakeApiServer;
before(async () => {
  server = await FakeApiServer.start();
});
after(() => server.stop());

function proxy(name: string, namespace: string, more: Partial<ProxyStatus> = {}): ProxyStatus {
  const synced = {
    state: "SYNCED" as const,
    resources: 3,
    sentAt: "2026-01-01T00:00:00Z",
    ackedAt: "2026-01-01T00:04:00Z",
  };
  return {
    name: `${name}.${namespace}`,
    namespace,
    clusterId: "vms",
    nodeId: `sidecar~10.0.0.1~${name}.${namespace}~${namespace}.svc.cluster.local`,
    version: "0.1.0",
    controlPlane: "cp-1",
    connectedAt: "2026-01-01T00:00:00Z",
    queryable: true,
    types: { CDS: synced, LDS: synced, EDS: synced, RDS: { state: "NOT SENT", resources: 0 } },
    ...more,
  };
}

let proxies: ProxyStatus[];
/** What the page of a proxy holds; undefined where there is none. */
let debug: unknown;
/** What machines answer, by admin path. */
let answers: Record<string, unknown>;
beforeEach(() => {
  server.requests.length = 0;
  debug = undefined;
  proxies = [proxy("web-1", "shop"), proxy("db.example", "shop"), proxy("web-1", "other")];
  answers = { "config_dump?include_eds": fakeDump(), "clusters?format=json": fakeClusters };
  server.route = ({ path, url }) => {
    if (path === "/lateen/v1/proxies") return { body: proxies };
    if (path.startsWith("/debug/proxies/")) return debug === undefined ? undefined : { body: debug };
    const what = /\/machines\/[^/]+\/envoy\/(.*)$/.exec(url)?.[1];
    if (what === undefined) return undefined;
    return answers[what] === undefined ? { status: 404, body: status(404, "NotFound", what) } : { body: answers[what] };
  };
});

describe("proxy-status", () => {
  test("prints istioctl's columns, by name", async () => {
    const ran = await run(["proxy-status"], { server });
    assert.equal(
      ran.stdout,
      [
        "NAME                CLUSTER     CDS              LDS              EDS              RDS          ECDS        ISTIOD     VERSION",
        "db.example.shop     vms         SYNCED (60s)     SYNCED (60s)     SYNCED (60s)     NOT SENT     IGNORED     cp-1       0.1.0",
        "web-1.other         vms         SYNCED (60s)     SYNCED (60s)     SYNCED (60s)     NOT SENT     IGNORED     cp-1       0.1.0",
        "web-1.shop          vms         SYNCED (60s)     SYNCED (60s)     SYNCED (60s)     NOT SENT     IGNORED     cp-1       0.1.0",
        "",
      ].join("\n"),
    );
    const scoped = await run(["ps", "-n", "other", "-o", "json"], { server });
    assert.deepEqual(
      (JSON.parse(scoped.stdout) as ProxyStatus[]).map(({ name }) => name),
      ["web-1.other"],
    );
  });

  test("one proxy in detail, with what it rejected and which objects made it", async () => {
    proxies = [
      proxy("web-1", "shop", {
        identity: "spiffe://cluster.local/ns/shop/sa/web",
        envoyVersion: "1.40.0",
        types: {
          LDS: {
            state: "NACK",
            resources: 2,
            sentAt: "2026-01-01T00:04:00Z",
            error: "duplicate \u001b[31mlistener",
            objects: ["VirtualService/shop/reviews"],
          },
        },
      }),
    ];
    const ran = await run(["ps", "web-1"], { server });
    assert.equal(ran.status, 1);
    assert.match(ran.stdout, /^Name: +web-1\.shop\n/);
    assert.match(ran.stdout, /^Identity: +spiffe:\/\/cluster\.local\/ns\/shop\/sa\/web$/m);
    assert.match(ran.stdout, /^LDS {5} +NACK {2}.* 2 .*60s$/m);
    assert.match(ran.stdout, /LDS was rejected: duplicate listener\n {2}made from VirtualService\/shop\/reviews\n$/);
  });

  test("says of one proxy what each type got last, and because of which field of which object", async () => {
    const push = {
      ...{ number: 7, at: "2026-01-01T00:04:30Z", lastAt: "2026-01-01T00:04:30Z", proxies: 1, bytes: 100 },
      ...{ removed: 0, removedNames: [] as string[] },
    };
    const change = {
      ...{ number: 3, at: "2026-01-01T00:04:30Z", object: "VirtualService/shop/reviews", change: "changed" },
      fields: ["spec.http[0].timeout", "spec.hosts[1]"],
    };
    debug = [
      {
        proxy: proxy("web-1", "shop"),
        details: [
          {
            type: "RDS",
            lastPush: { ...push, type: "RDS", reason: "config", resources: 1, names: ["80"], why: [change] },
          },
          { type: "CDS", lastPush: { ...push, type: "CDS", reason: "proxyrequest", resources: 3, names: [], why: [] } },
          { type: "EDS" },
        ],
      },
    ];
    const ran = await run(["ps", "web-1.shop"], { server });
    assert.match(
      ran.stdout,
      /\nRDS was last sent 30s ago, 80\n {2}because VirtualService\/shop\/reviews was changed: spec\.http\[0\]\.timeout, spec\.hosts\[1\]\n\nCDS was last sent 30s ago, 3 resources: the proxy asked for it\n$/,
    );
    const json = await run(["ps", "web-1.shop", "-o", "json"], { server });
    assert.equal((JSON.parse(json.stdout) as { details: unknown[] }[])[0]?.details.length, 3);
  });

  test("the table names below it the objects of what was rejected", async () => {
    const types = { RDS: { state: "NACK" as const, resources: 1, error: "no", objects: ["VirtualService/shop/a"] } };
    proxies = [proxy("web-1", "shop", { types })];
    const ran = await run(["ps"], { server });
    assert.equal(ran.stderr, "web-1.shop rejects RDS, made from VirtualService/shop/a: no\n");
    assert.match(ran.stdout, /^web-1\.shop .* NACK /m);
  });

  test("an unknown name gets a suggestion", async () => {
    const ran = await run(["ps", "web-11.shop"], { server });
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /^error LAT9013: no proxy "web-11\.shop" is connected\n {2}Did you mean web-1\.shop\?/);
    const none = await run(["ps", "-n", "nowhere"], { server });
    assert.equal(none.stderr, "No proxies of namespace nowhere are connected; 3 of others are.\n");
    proxies = [];
    assert.equal((await run(["ps"], { server })).stderr, "No proxies are connected.\n");
  });
});

describe("proxy-config", () => {
  const table = async (...argv: string[]): Promise<string[]> => {
    const ran = await run(["pc", ...argv], { server });
    assert.equal(ran.stderr, "");
    assert.equal(ran.status, 0);
    return ran.stdout.trimEnd().split("\n");
  };

  test("a filter that nothing can fit is wrong usage; one that nothing fits says so", async () => {
    for (const [command, flag] of [
      ["listener", "--type"],
      ["endpoint", "--status"],
      ["cluster", "--direction"],
    ] as const) {
      assert.equal((await run(["pc", command, "web-1.shop", flag, "foo"], { server })).status, 2, flag);
    }
    assert.equal((await run(["pc", "endpoint", "web-1.shop", "--status", "healthy"], { server })).status, 0);
    const ran = await run(["pc", "route", "web-1.shop", "--name", "nosuch"], { server });
    assert.equal(ran.status, 0);
    assert.equal(ran.stderr, "Nothing that the proxy holds fits.\n");
  });

  test("machines that share a name are told apart by WorkloadEntry or node id", async () => {
    const nodeId = (address: string): string => `sidecar~${address}~vm.shop~shop.svc.cluster.local`;
    proxies = [
      proxy("vm", "shop", { nodeId: nodeId("10.0.0.1"), workloadEntry: "front-vm" }),
      proxy("vm", "shop", { nodeId: nodeId("10.0.0.2"), workloadEntry: "back-vm" }),
      proxy("lone", "shop", { workloadEntry: "front-lone" }),
    ];
    for (const name of ["vm", "vm.shop"]) {
      const ran = await run(["pc", "cluster", name], { server });
      assert.equal(ran.status, 2);
      assert.match(
        ran.stderr,
        /several proxies are named \S+: front-vm\.shop \(10\.0\.0\.1\), back-vm\.shop \(10\.0\.0\.2\)\n {2}Write the name of the WorkloadEntry/,
      );
    }
    server.requests.length = 0;
    await table("cluster", "back-vm.shop");
    await table("cluster", nodeId("10.0.0.1"));
    await table("cluster", "front-lone");
    assert.deepEqual(
      server.requests.map(({ url }) => /machines\/([^/]+)\//.exec(decodeURIComponent(url))?.[1]).filter(Boolean),
      [nodeId("10.0.0.2"), nodeId("10.0.0.1"), "lone"],
    );
    const list = await run(["ps"], { server });
    assert.match(list.stderr, /share a name.*: front-vm\.shop \(10\.0\.0\.1\), back-vm\.shop \(10\.0\.0\.2\)$/m);
    assert.match(
      (await run(["ps", "back-vm"], { server })).stdout,
      /^Node: +sidecar~10\.0\.0\.2~.*\nWorkloadEntry: +back-vm$/m,
    );
  });

  test("asks the machine by name and namespace", async () => {
    await table("cluster", "web-1.shop");
    await table("cluster", "web-1", "-n", "other");
    await table("cluster", "db.example.shop");
    await table("cluster", "db.example");
    assert.deepEqual(
      server.requests.map(({ url }) => url).filter((url) => url.includes("/machines/")),
      [
        "/lateen/v1/namespaces/shop/machines/web-1/envoy/config_dump?include_eds",
        "/lateen/v1/namespaces/other/machines/web-1/envoy/config_dump?include_eds",
        "/lateen/v1/namespaces/shop/machines/db.example/envoy/config_dump?include_eds",
        "/lateen/v1/namespaces/shop/machines/db.example/envoy/config_dump?include_eds",
      ],
    );
  });

  test("cluster", async () => {
    assert.deepEqual(await table("cluster", "web-1.shop"), [
      "SERVICE FQDN                       PORT     SUBSET     DIRECTION     TYPE       DESTINATION RULE",
      "                                   9080     -          inbound       STATIC",
      "prometheus_stats                   -        -          -             STATIC",
      "reviews.shop.svc.cluster.local     9080     -          outbound      EDS        reviews.shop",
      "reviews.shop.svc.cluster.local     9080     v2         outbound      EDS",
    ]);
    const filtered = await table(
      "c",
      "web-1.shop",
      "--fqdn",
      "reviews",
      "--port",
      "9080",
      "--subset",
      "v2",
      "--direction",
      "outbound",
      "-o",
      "json",
    );
    assert.deepEqual(
      (JSON.parse(filtered.join("\n")) as { name: string }[]).map(({ name }) => name),
      ["outbound|9080|v2|reviews.shop.svc.cluster.local"],
    );
  });

  test("listener", async () => {
    assert.deepEqual(await table("listener", "web-1.shop"), [
      "ADDRESSES  PORT  MATCH                                           DESTINATION",
      "0.0.0.0,:: 80    ALL                                             Route: 80",
      "0.0.0.0    15006 Addr: *:15006                                   Non-HTTP/Non-TCP",
      "0.0.0.0    15006 SNI: a.b,c.d; Addr: 0.0.0.0/0                   InboundPassthroughCluster",
      "0.0.0.0    15006 Trans: tls; App: Istio HTTP Plain; Addr: *:9080 Cluster: inbound|9080||",
      "0.0.0.0    15021 ALL                                             Inline Route: /healthz/ready*",
    ]);
    assert.equal((await table("l", "web-1.shop", "--type", "http+tcp")).length, 4);
    assert.equal((await table("l", "web-1.shop", "--address", "::", "--port", "80")).length, 2);
  });

  test("route", async () => {
    assert.deepEqual(await table("route", "web-1.shop"), [
      "NAME     VHOST NAME                              DOMAINS                               MATCH               VIRTUAL SERVICE",
      "80       all                                     *                                     /*",
      "9080     reviews.shop.svc.cluster.local:9080     reviews, reviews.shop + 1 more...     PathPrefix:/api     reviews.shop",
      "9080     reviews.shop.svc.cluster.local:9080     reviews, reviews.shop + 1 more...     regex ^/v\\d",
      "9080     reviews.shop.svc.cluster.local:9080     reviews, reviews.shop + 1 more...     /exact",
      "9080     block                                   b                                     /*                  404",
    ]);
    assert.equal((await table("r", "web-1.shop", "--name", "80")).length, 2);
  });

  test("endpoint, from clusters and from a saved dump of either kind", async () => {
    assert.deepEqual(await table("endpoint", "web-1.shop"), [
      "ENDPOINT          STATUS        OUTLIER CHECK     CLUSTER",
      "10.0.0.2:9080     HEALTHY       OK                outbound|9080||reviews.shop.svc.cluster.local",
      "10.0.0.3:9080     UNHEALTHY     FAILED            outbound|9080||reviews.shop.svc.cluster.local",
      "unix://./XDS      HEALTHY       OK                xds-grpc",
    ]);
    assert.equal(
      (await table("ep", "web-1.shop", "--status", "unhealthy", "--port", "9080", "--address", "10.0.0.3")).length,
      2,
    );
    const data = await run(["pc", "endpoint", "-f", "-", "-o", "json", "--status", "unhealthy"], {
      stdin: JSON.stringify(fakeClusters),
    });
    assert.equal((JSON.parse(data.stdout) as unknown[]).length, 1);
    const saved = await run(["pc", "endpoint", "-f", "-"], { stdin: JSON.stringify(fakeDump()) });
    assert.match(saved.stdout, /^10\.0\.0\.2:9080 +HEALTHY +- +outbound\|9080\|\|reviews/m);
    assert.match(saved.stdout, /^unix:\/\/\/run\/app\.sock +DRAINING/m);
  });

  test("secret: certificates are read, validity is judged by the clock", async () => {
    const authority = await fakeAuthority(testNowMs);
    const leaf = await authority.client();
    const encode = (pem: string): { inline_bytes: string } => ({ inline_bytes: Buffer.from(pem).toString("base64") });
    answers["config_dump?include_eds"] = fakeDump([
      {
        name: "default",
        secret: {
          tls_certificate: { certificate_chain: encode(leaf.cert), private_key: { inline_string: "[redacted]" } },
        },
      },
      { name: "ROOTCA", secret: { validation_context: { trusted_ca: encode(authority.root) } } },
      { name: "late", version_info: "uninitialized", secret: {} },
      { name: "junk", secret: { tls_certificate: { certificate_chain: { inline_string: "junk" } } } },
    ]);
    const lines = await table("secret", "web-1.shop");
    assert.equal(
      lines[0],
      "RESOURCE NAME     TYPE           STATUS            VALID CERT     SERIAL NUMBER                        NOT AFTER                NOT BEFORE",
    );
    assert.match(
      lines[1] ?? "",
      /^default {11}Cert Chain {5}ACTIVE {12}true {11}[0-9a-f]{32} {5}2026-01-02T00:05:00Z {5}2025-12-31T00:05:00Z$/,
    );
    assert.match(lines[2] ?? "", /^ROOTCA {12}CA {13}ACTIVE {12}true /);
    assert.match(lines[3] ?? "", /^late {29}UNINITIALIZED {5}false$/);
    assert.match(lines[4] ?? "", /^junk {29}ACTIVE {12}false$/);
    const json = await table("secret", "web-1.shop", "-o", "json");
    assert.doesNotMatch(json.join("\n"), /PRIVATE KEY/);
  });

  test("bootstrap and all", async () => {
    assert.deepEqual(await table("bootstrap", "web-1.shop", "-o", "short"), [
      "Istio Version:       1.32.0",
      "Istio Proxy Version:",
      "Envoy Version:       1.40.0/Clean/RELEASE/BoringSSL",
    ]);
    const json = JSON.parse((await table("b", "web-1.shop")).join("\n")) as { bootstrap: { node: { id: string } } };
    assert.match(json.bootstrap.node.id, /^sidecar~/);
    const all = (await table("all", "web-1.shop")).join("\n");
    assert.match(all, /^cluster\/prometheus_stats +prometheus_stats /m);
    assert.match(all, /^listener\/ready +0\.0\.0\.0 +15021 ALL/m);
    assert.match(all, /^route\/80 +all/m);
    assert.match(all, /^endpoint\/10\.0\.0\.2:9080 +HEALTHY +eu\/a +outbound/m);
  });

  test("log shows and sets levels", async () => {
    answers["logging"] = "active loggers:\n  admin: info\n  http: debug\n";
    assert.deepEqual(await table("log", "web-1.shop"), ["active loggers:", "  admin: info", "  http: debug"]);
    assert.equal(server.writes.length, 1);
    answers["logging?paths=http:debug,rbac:off"] = answers["logging"];
    assert.deepEqual(
      JSON.parse((await table("log", "web-1.shop", "--level", "http:debug,rbac:none", "-o", "json")).join("\n")),
      {
        admin: "info",
        http: "debug",
      },
    );
    answers["logging?level=warning"] = answers["logging"];
    await table("log", "web-1.shop", "-r");
    for (const level of ["loud", "http:loud", "a b:debug", "http:debug:x", ""]) {
      assert.equal((await run(["pc", "log", "web-1.shop", "--level", level], { server })).status, 2, level);
    }
  });

  test("says what to do where it cannot ask", async () => {
    proxies = [proxy("istio", "shop", { queryable: false })];
    const foreign = await run(["pc", "cluster", "istio.shop"], { server });
    assert.equal(foreign.status, 1);
    assert.match(
      foreign.stderr,
      /takes no questions.*\n {2}On the machine: curl 'localhost:15000\/config_dump\?include_eds'/,
    );
    assert.equal((await run(["pc", "cluster"], { server })).status, 2);
    assert.equal((await run(["pc", "cluster", "x", "-f", "y"], { server })).status, 2);
    proxies = [proxy("web", "a"), proxy("web", "b")];
    assert.match(
      (await run(["pc", "cluster", "web"], { server })).stderr,
      /several proxies are named web: web\.a, web\.b/,
    );
    const bad = await run(["pc", "cluster", "-f", "-"], { stdin: "[]" });
    assert.equal(bad.status, 1);
    assert.match(bad.stderr, /^error LAT9012: /);
  });

  test("no JSON makes a table throw", async () => {
    const names = ["cluster", "listener", "route", "endpoint", "secret", "bootstrap", "all"];
    const keys = fc.constantFrom(
      "name",
      "address",
      "filters",
      "cluster",
      "routes",
      "match",
      "domains",
      "endpoints",
      "secret",
      "listener",
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(null, 0, "", "*", "|||", true),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(keys, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    const dump = JSON.stringify(fakeDump());
    const places = [...dump.matchAll(/"[a-z_]+":(?=[[{"])/g)].map((match) => match.index + match[0].length);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.constantFrom(...places), tree, async (name, place, value) => {
        // Something else stands where Envoy has a value, and what was there follows under another name.
        const text = `${dump.slice(0, place)}${JSON.stringify(value)},"rest":${dump.slice(place)}`;
        const ran = await run(["pc", name, "-o", "short", "-f", "-"], { stdin: text });
        assert.doesNotMatch(ran.stderr, /fault of lateen/, text);
      }),
      { numRuns: 300 },
    );
  });
});
