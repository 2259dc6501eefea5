// Who sees which service under which name, and where connections that are not HTTP go.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulateOutbound } from "../../src/simulate/simulate-outbound.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { machine, meshOf, object, service, shares, transports, workload } from "./mesh-world.fake.ts";

const http = "[{number: 80, name: http, protocol: HTTP}]";
const reviews = service("reviews", http) + workload("reviews-1", "198.18.1.1", "{app: reviews}");
const passthrough = "PassthroughCluster";

/** A ServiceEntry with these fields beside its name, in the namespace `data`. */
function entry(name: string, fields: string, namespace = "data"): string {
  return object("ServiceEntry", name, `{${fields}}`, namespace);
}

describe("names", () => {
  it("of a service are its short ones in its own namespace", () => {
    const front = machine(meshOf(reviews));
    for (const name of [
      "reviews",
      "reviews.shop",
      "reviews.shop.svc",
      "reviews.shop.svc.cluster.local",
      "REVIEWS.shop.svc.cluster.local.",
    ]) {
      assert.deepEqual(
        shares(front.http(`http://${name}/`)),
        { "outbound|80||reviews.shop.svc.cluster.local": 100 },
        name,
      );
    }
  });

  it("in another namespace need that of the service", () => {
    const other = machine(meshOf(reviews), { namespace: "data" });
    assert.equal(other.http("http://reviews/").outcome, "unknownName");
    assert.equal(other.http("http://reviews.shop/").outcome, "routed");
    assert.equal(other.http("http://240.240.0.1/", { headers: { host: "reviews" } }).outcome, "passthrough");
  });

  it("with a port in the Host header are the same host", () => {
    const result = machine(meshOf(reviews)).http("http://240.240.0.1/", { headers: { host: "reviews.shop:8080" } });
    assert.equal(result.virtualHost, "reviews.shop.svc.cluster.local:80");
  });

  it("do not exist for agents that do not capture DNS", () => {
    assert.equal(machine(meshOf(reviews), { dnsCapture: false }).http("http://reviews/").outcome, "unknownName");
  });
});

describe("addresses", () => {
  it("that are stated, and those the mesh gives, reach the service", () => {
    const front = machine(
      meshOf(
        reviews +
          entry(
            "web",
            `hosts: [web.example.com], addresses: [203.0.113.1], ports: ${http}, resolution: STATIC, endpoints: [{address: 203.0.113.9}]`,
          ),
      ),
    );
    assert.deepEqual(transports(front.http("http://240.240.0.1/")), { "198.18.1.1:80": "mutual TLS" });
    assert.deepEqual(transports(front.http("http://203.0.113.1/")), { "203.0.113.9:80": "plaintext" });
  });

  it("of another service on the same port do not mix", () => {
    const two =
      service("one", "[{number: 5432, name: tcp, protocol: TCP}]") +
      workload("one-1", "198.18.1.1", "{app: one}") +
      service("two", "[{number: 5432, name: tcp, protocol: TCP}]") +
      workload("two-1", "198.18.1.2", "{app: two}");
    const front = machine(meshOf(two));
    assert.deepEqual(Object.keys(transports(front.tcp("one:5432"))), ["198.18.1.1:5432"]);
    assert.deepEqual(Object.keys(transports(front.tcp("two:5432"))), ["198.18.1.2:5432"]);
  });
});

describe("IPv6", () => {
  const dual = `${reviews}${service("db", "[{number: 5432, name: tcp, protocol: TCP}]")}${workload("db-1", "198.18.1.9", "{app: db}")}`;
  const ask = (ip: string, port: number, host: string, proxy: string) =>
    simulateOutbound(machine(meshOf(dual), { ip: proxy }).view, {
      to: { ip, port },
      traffic: { kind: "http", request: { method: "GET", path: "/", authority: host } },
    });

  it("addresses reach HTTP and TCP services from machines that have them", () => {
    const names = machine(meshOf(dual), { ip: "2001:db8::10" });
    assert.equal(names.http("http://reviews/").outcome, "routed");
    assert.equal(ask("2001:2::2", 80, "[2001:2::2]", "2001:db8::10").virtualHost, "reviews.shop.svc.cluster.local:80");
    assert.equal(ask("2001:2::2", 80, "reviews", "2001:db8::10").outcome, "routed");
    assert.equal(ask("2001:2::1", 5432, "db", "2001:db8::10").listener, "2001:2::1_5432");
  });

  it("addresses are not given to machines without them", () => {
    assert.equal(ask("2001:2::2", 80, "reviews", "198.18.0.10").outcome, "passthrough");
  });
});

describe("what the mesh does not know", () => {
  for (const [mode, http80, tcp] of [
    ["ALLOW_ANY", passthrough, passthrough],
    ["REGISTRY_ONLY", undefined, undefined],
  ] as const) {
    it(`${mode} ${http80 === undefined ? "refuses" : "passes"}`, () => {
      const front = machine(meshOf(reviews, { outboundTrafficPolicy: { mode } }));
      const known = front.http("http://203.0.113.80/", { headers: { host: "elsewhere.example" } });
      const unknown = front.tcp("203.0.113.80:9999");
      if (http80 === undefined) {
        assert.deepEqual([known.outcome, known.outcome === "answered" && known.status], ["answered", 502]);
        assert.equal(unknown.outcome, "refused");
      } else {
        assert.deepEqual([known.outcome, shares(known)], ["passthrough", { [http80]: 100 }]);
        assert.deepEqual([unknown.outcome, shares(unknown)], ["passthrough", { [tcp]: 100 }]);
      }
    });
  }

  it("is reached in the protocol the client speaks", () => {
    const result = machine(meshOf(reviews)).http("http://203.0.113.80/");
    assert.ok(result.outcome === "passthrough");
    const [upstream] = result.destinations.map((destination) => destination.upstream);
    assert.equal(upstream?.kind === "original-destination" && upstream.http, "as the client");
  });
});

describe("a service that is called where the application found it", () => {
  const portOf = (result: ReturnType<ReturnType<typeof machine>["tcp"]>): number | undefined => {
    const [first] = "destinations" in result ? result.destinations : [];
    assert.ok(first?.upstream.kind === "original-destination", JSON.stringify(result));
    return first.upstream.port;
  };
  const ports =
    "[{number: 80, name: http, protocol: HTTP, targetPort: 8080}, {number: 81, name: http-b, protocol: HTTP}, {number: 5432, name: tcp, protocol: TCP, targetPort: 6432}]";
  const fields = `hosts: [db.example.com], addresses: [203.0.113.7], ports: ${ports}, resolution: NONE`;

  it("is called at its targetPort", () => {
    const front = machine(meshOf(entry("db", fields)));
    assert.equal(portOf(front.tcp("203.0.113.7:5432")), 6432);
    assert.equal(portOf(front.http("http://203.0.113.7/", { headers: { host: "db.example.com" } })), 8080);
  });

  it("is called at the port that the application called, where it states no targetPort", () => {
    const front = machine(meshOf(entry("db", fields)));
    assert.equal(portOf(front.http("http://203.0.113.7:81/", { headers: { host: "db.example.com" } })), undefined);
  });

  it("by PASSTHROUGH is called at that port, too, as in Istio", () => {
    const rule = "{host: db.example.com, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}";
    const endpoints = "endpoints: [{address: 203.0.113.9}]";
    const db = entry("db", `${fields.replace("NONE", "STATIC")}, ${endpoints}`);
    const front = machine(meshOf(db + object("DestinationRule", "db", rule)));
    assert.equal(portOf(front.tcp("203.0.113.7:5432")), undefined);
  });
});

describe("the proxy's own ports", () => {
  const onPort = (port: number, protocol: string, more = "resolution: NONE") =>
    entry(
      `own${port}-${protocol.toLowerCase()}`,
      `hosts: [own${port}.example.com], ports: [{number: ${port}, name: p, protocol: ${protocol}}], ${more}`,
    );
  const listenersOf = (yaml: string, meshConfig = {}): string[] => {
    const names = [...machine(meshOf(yaml, meshConfig)).view.resources(typeUrls.listener).values()];
    return names.map(({ name }) => name).sort();
  };
  const own = ["virtualInbound", "virtualOutbound"];

  it("are no service's: it would take the connections of the whole machine", () => {
    for (const port of [15001, 15006, 15021, 15090]) {
      for (const protocol of ["HTTP", "TCP", "TLS"]) {
        assert.deepEqual(listenersOf(onPort(port, protocol)), own, `${protocol} ${port}`);
      }
    }
    assert.deepEqual(listenersOf(onPort(15002, "HTTP")), ["0.0.0.0_15002", ...own]);
  });

  it("are those that MeshConfig names, too", () => {
    const meshConfig = { proxyListenPort: 16001, proxyInboundListenPort: 80 };
    assert.deepEqual(listenersOf(onPort(80, "HTTP") + onPort(16001, "HTTP"), meshConfig), own);
    assert.deepEqual(listenersOf(onPort(15006, "HTTP"), meshConfig), ["0.0.0.0_15006", ...own]);
  });

  it("may be a TCP service's at an address of its own", () => {
    const at = "addresses: [203.0.113.7], resolution: STATIC, endpoints: [{address: 203.0.113.9}]";
    assert.deepEqual(listenersOf(onPort(15006, "TCP", at)), ["203.0.113.7_15006", ...own]);
    assert.deepEqual(listenersOf(onPort(15006, "HTTP", at)), own);
  });

  it("come before all others, so that no other can take them", () => {
    const view = machine(meshOf(onPort(15002, "HTTP") + reviews)).view;
    const first = [...view.resources(typeUrls.listener).values()].slice(0, 2);
    assert.deepEqual(first.map(({ name }) => name).sort(), own);
  });
});

describe("exportTo", () => {
  const seen = (exportTo: string, namespace: string): boolean => {
    const mesh = meshOf(
      service("reviews", http, `exportTo: ${exportTo}`) + workload("reviews-1", "198.18.1.1", "{app: reviews}"),
    );
    return machine(mesh, { namespace }).http("http://reviews.shop/").outcome === "routed";
  };
  it("* is everywhere, . the own namespace, ~ nowhere else, a name that one", () => {
    assert.deepEqual([seen('["*"]', "shop"), seen('["*"]', "data")], [true, true]);
    assert.deepEqual([seen('["."]', "shop"), seen('["."]', "data")], [true, false]);
    assert.deepEqual([seen("[data]", "bank"), seen("[data]", "data")], [false, true]);
    assert.deepEqual([seen('["~"]', "data")], [false]);
  });

  it("of a VirtualService hides its rules", () => {
    const rules = object(
      "VirtualService",
      "v",
      "{hosts: [reviews], exportTo: ['.'], http: [{directResponse: {status: 204}}]}",
    );
    assert.equal(machine(meshOf(reviews + rules)).http("http://reviews.shop/").outcome, "answered");
    assert.equal(
      machine(meshOf(reviews + rules), { namespace: "data" }).http("http://reviews.shop/").outcome,
      "routed",
    );
  });

  it("of a DestinationRule hides its settings", () => {
    const rules = object(
      "DestinationRule",
      "d",
      "{host: reviews, exportTo: ['.'], trafficPolicy: {tls: {mode: DISABLE}}}",
    );
    assert.deepEqual(transports(machine(meshOf(reviews + rules)).http("http://reviews.shop/")), {
      "198.18.1.1:80": "plaintext",
    });
    assert.deepEqual(transports(machine(meshOf(reviews + rules), { namespace: "data" }).http("http://reviews.shop/")), {
      "198.18.1.1:80": "mutual TLS",
    });
  });

  it("that is not said is the mesh's default", () => {
    const mesh = meshOf(reviews, { defaultServiceExportTo: ["."] });
    assert.equal(machine(mesh, { namespace: "data" }).http("http://reviews.shop/").outcome, "unknownName");
  });
});

describe("which object holds", () => {
  const answer = (name: string, namespace: string, status: number, hosts = "[reviews.shop.svc.cluster.local]") =>
    object("VirtualService", name, `{hosts: ${hosts}, http: [{directResponse: {status: ${status}}}]}`, namespace);
  const statusOf = (objects: string): number | undefined => {
    const result = machine(meshOf(reviews + objects)).http("http://reviews/");
    return result.outcome === "answered" ? result.status : undefined;
  };
  const dated = (text: string, day: number) =>
    text.replace("metadata: {", `metadata: {creationTimestamp: '2026-01-0${day}T00:00:00Z', `);

  it("is the oldest of two VirtualServices", () => {
    assert.equal(statusOf(dated(answer("a", "shop", 201), 2) + dated(answer("b", "shop", 202), 1)), 202);
  });

  it("is the most specific host", () => {
    assert.equal(
      statusOf(dated(answer("a", "shop", 201, '["*.shop.svc.cluster.local"]'), 1) + dated(answer("b", "shop", 202), 2)),
      202,
    );
    assert.equal(statusOf(answer("a", "shop", 201, '["*.shop.svc.cluster.local"]')), 201);
  });

  it("is the caller's own DestinationRule before the service's", () => {
    const tls = (namespace: string, mode: string) =>
      object(
        "DestinationRule",
        "d",
        `{host: reviews.shop.svc.cluster.local, trafficPolicy: {tls: {mode: ${mode}}}}`,
        namespace,
      );
    const mesh = meshOf(reviews + tls("shop", "ISTIO_MUTUAL") + tls("data", "DISABLE"));
    assert.deepEqual(transports(machine(mesh, { namespace: "data" }).http("http://reviews.shop/")), {
      "198.18.1.1:80": "plaintext",
    });
    assert.deepEqual(transports(machine(mesh).http("http://reviews/")), { "198.18.1.1:80": "mutual TLS" });
  });

  it("is the caller's own service of two with one host", () => {
    const at = (namespace: string, address: string) =>
      entry(
        "web",
        `hosts: [web.example.com], ports: ${http}, resolution: STATIC, endpoints: [{address: ${address}}]`,
        namespace,
      );
    const mesh = meshOf(at("shop", "203.0.113.1") + at("data", "203.0.113.2"));
    for (const [namespace, address] of [
      ["shop", "203.0.113.1:80"],
      ["data", "203.0.113.2:80"],
    ] as const) {
      assert.deepEqual(Object.keys(transports(machine(mesh, { namespace }).http("http://web.example.com/"))), [
        address,
      ]);
    }
  });

  it("is a port's own policy alone, and a subset's before the host's", () => {
    const hashOf = (policy: string, subset = "") => {
      const rule = object("DestinationRule", "d", `{host: reviews, ${policy}}`);
      const route = object(
        "VirtualService",
        "v",
        `{hosts: [reviews], http: [{route: [{destination: {host: reviews${subset}}}]}]}`,
      );
      const result = machine(meshOf(reviews + rule + route)).http("http://reviews/");
      return result.outcome === "routed" && result.protocol === "http" ? result.hash : [];
    };
    const by = (header: string) => `loadBalancer: {consistentHash: {httpHeaderName: ${header}}}`;
    assert.deepEqual(hashOf(`trafficPolicy: {${by("host")}}`), ["header host"]);
    assert.deepEqual(
      hashOf(`trafficPolicy: {${by("host")}, portLevelSettings: [{port: {number: 80}, ${by("port")}}]}`),
      ["header port"],
    );
    assert.deepEqual(
      hashOf(
        `trafficPolicy: {${by("host")}, portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 1}}}]}`,
      ),
      [],
    );
    const subset = (policy: string) =>
      `trafficPolicy: {${by("host")}}, subsets: [{name: all, trafficPolicy: {${policy}}}]`;
    assert.deepEqual(hashOf(subset(by("subset")), ", subset: all"), ["header subset"]);
    assert.deepEqual(hashOf(subset("connectionPool: {tcp: {maxConnections: 1}}"), ", subset: all"), ["header host"]);
    assert.deepEqual(
      hashOf(
        subset("portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 1}}}]"),
        ", subset: all",
      ),
      [],
    );
  });
});

describe("TCP routes", () => {
  const db =
    service("db", "[{number: 5432, name: tcp, protocol: TCP}, {number: 5433, name: tcp-b, protocol: TCP}]") +
    workload("db-1", "198.18.1.1", "{app: db, version: v1}") +
    workload("db-2", "198.18.1.2", "{app: db, version: v2}") +
    object(
      "DestinationRule",
      "db",
      "{host: db, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}",
    );
  const to = (subset: string, weight = "") => `{destination: {host: db, subset: ${subset}}${weight}}`;
  const rules = (tcp: string) => machine(meshOf(db + object("VirtualService", "db", `{hosts: [db], tcp: ${tcp}}`)));

  it("share connections by weight", () => {
    const result = rules(`[{route: [${to("v1", ", weight: 3")}, ${to("v2", ", weight: 1")}]}]`).tcp("db:5432");
    assert.deepEqual(shares(result), {
      "outbound|5432|v1|db.shop.svc.cluster.local": 75,
      "outbound|5432|v2|db.shop.svc.cluster.local": 25,
    });
  });

  it("leave out destinations of weight 0, which Envoy would refuse", () => {
    const result = rules(`[{route: [${to("v1", ", weight: 0")}, ${to("v2", ", weight: 1")}]}]`).tcp("db:5432");
    assert.deepEqual(shares(result), { "outbound|5432|v2|db.shop.svc.cluster.local": 100 });
  });

  it("are chosen by port and caller; without one the service has its own", () => {
    const subsetAt = (tcp: string, port: number) => Object.keys(shares(rules(tcp).tcp(`db:${port}`)))[0]?.split("|")[2];
    const byPort = `[{match: [{port: 5432}], route: [${to("v1")}]}]`;
    assert.deepEqual([subsetAt(byPort, 5432), subsetAt(byPort, 5433)], ["v1", ""]);
    for (const [match, subset] of [
      ["sourceLabels: {app: front}", "v1"],
      ["sourceLabels: {app: back}", "v2"],
      ["sourceNamespace: shop", "v1"],
      ["sourceNamespace: bank", "v2"],
      ["gateways: [edge]", "v2"],
      ["sourceSubnet: 198.18.0.0/24", "v1"],
      ["sourceSubnet: 10.0.0.0/8", "v2"],
    ] as const) {
      const tcp = `[{match: [{${match}}], route: [${to("v1")}]}, {route: [${to("v2")}]}]`;
      assert.equal(subsetAt(tcp, 5432), subset, match);
    }
  });

  const range = entry(
    "range",
    "hosts: [range.example.com], addresses: [10.1.0.0/16], ports: [{number: 5432, name: tcp, protocol: TCP}], resolution: STATIC, endpoints: [{address: 203.0.113.1}], exportTo: ['*']",
  );

  it("of a service with a range of addresses concern that range only", () => {
    const front = machine(meshOf(range));
    assert.deepEqual(Object.keys(transports(front.tcp("10.1.2.3:5432"))), ["203.0.113.1:5432"]);
    assert.deepEqual(shares(front.tcp("10.2.2.3:5432")), { [passthrough]: 100 });
  });

  it("can pick out a part of the range", () => {
    const part = object(
      "VirtualService",
      "range",
      "{hosts: [range.example.com], tcp: [{match: [{destinationSubnets: [10.1.9.0/24]}], route: [{destination: {host: nowhere}}]}]}",
      "data",
    );
    const front = machine(meshOf(range + part));
    assert.equal(front.tcp("10.1.9.1:5432").outcome, "missingCluster");
    assert.equal(front.tcp("10.1.8.1:5432").outcome, "routed");
  });
});

describe("TLS that passes through", () => {
  const outside = entry(
    "outside",
    "hosts: [api.example.com, '*.cdn.example.com'], ports: [{number: 443, name: tls, protocol: TLS}], resolution: NONE, location: MESH_EXTERNAL",
  );

  it("is told apart by server name", () => {
    const front = machine(meshOf(outside));
    assert.deepEqual(shares(front.tls("203.0.113.1:443", "api.example.com")), { "outbound|443||api.example.com": 100 });
    assert.deepEqual(shares(front.tls("203.0.113.1:443", "x.cdn.example.com")), {
      "outbound|443||*.cdn.example.com": 100,
    });
    assert.deepEqual(shares(front.tls("203.0.113.1:443", "other.example.com")), { [passthrough]: 100 });
  });

  it("to unknown names is refused under REGISTRY_ONLY, and known names still pass", () => {
    const front = machine(meshOf(outside, { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } }));
    assert.equal(front.tls("203.0.113.1:443", "other.example.com").outcome, "refused");
    assert.equal(front.tls("203.0.113.1:443", "api.example.com").outcome, "passthrough");
  });

  it("can be routed by server name", () => {
    const rules = object(
      "VirtualService",
      "v",
      "{hosts: [api.example.com, '*.cdn.example.com'], tls: [{match: [{sniHosts: [api.example.com], port: 443}], route: [{destination: {host: eu.example.com}, weight: 1}, {destination: {host: us.example.com}, weight: 3}]}]}",
      "data",
    );
    const result = machine(meshOf(outside + rules)).tls("203.0.113.1:443", "api.example.com");
    assert.deepEqual(shares(result), { "outbound|443||eu.example.com": 25, "outbound|443||us.example.com": 75 });
  });

  it("shares its port with HTTP and with TCP", () => {
    const beside = entry(
      "web",
      "hosts: [web.example.com], ports: [{number: 443, name: http, protocol: HTTP}], resolution: STATIC, endpoints: [{address: 203.0.113.9}]",
    );
    const front = machine(meshOf(outside + beside));
    assert.deepEqual(shares(front.tls("203.0.113.1:443", "api.example.com")), { "outbound|443||api.example.com": 100 });
    assert.equal(front.tls("203.0.113.1:443", "other.example.com").outcome, "passthrough");
    assert.deepEqual(shares(front.http("http://web.example.com:443/")), { "outbound|443||web.example.com": 100 });
  });

  it("that two services ask for goes to the older, and Envoy never gets two equal matches", () => {
    const claim = (name: string, host: string, day: number) => {
      const fields = `hosts: ['${host}'], ports: [{number: 443, name: tls, protocol: TLS}], resolution: NONE`;
      const rule = `tls: [{match: [{sniHosts: [x.a.example.com, ${name}.a.example.com]}], route: [{destination: {host: ${name}.example.com}}]}]`;
      return (
        entry(name, fields).replace("metadata: {", `metadata: {creationTimestamp: '2026-01-0${day}T00:00:00Z', `) +
        object("VirtualService", name, `{hosts: ['${host}'], ${rule}}`, "data")
      );
    };
    for (const [narrow, wide, winner] of [
      [1, 2, "narrow"],
      [2, 1, "wide"],
    ] as const) {
      const front = machine(meshOf(claim("narrow", "*.a.example.com", narrow) + claim("wide", "*.example.com", wide)));
      assert.deepEqual(shares(front.tls("203.0.113.1:443", "x.a.example.com")), {
        [`outbound|443||${winner}.example.com`]: 100,
      });
      for (const name of ["narrow", "wide"]) {
        assert.deepEqual(shares(front.tls("203.0.113.1:443", `${name}.a.example.com`)), {
          [`outbound|443||${name}.example.com`]: 100,
        });
      }
    }
  });
});

describe("where endpoints come from", () => {
  it("DNS resolves the host, or the names of endpoints", () => {
    const ports = "ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]";
    const host = entry("a", `hosts: [a.example.com], ${ports}, resolution: DNS`);
    const named = entry(
      "b",
      `hosts: [b.example.com], ${ports}, resolution: DNS, endpoints: [{address: b1.example.com}, {address: b2.example.com, ports: {http: 81}, weight: 0}]`,
    );
    const front = machine(meshOf(host + named));
    assert.deepEqual(Object.keys(transports(front.http("http://a.example.com/"))), ["a.example.com:8080"]);
    assert.deepEqual(Object.keys(transports(front.http("http://b.example.com/"))), [
      "b1.example.com:8080",
      "b2.example.com:81",
    ]);
  });

  it("a name among the endpoints of a STATIC service costs only itself", () => {
    const named = workload("reviews-2", "reviews.elsewhere.example", "{app: reviews}");
    assert.deepEqual(Object.keys(transports(machine(meshOf(reviews + named)).http("http://reviews/"))), [
      "198.18.1.1:80",
    ]);
  });

  it("a workload may listen elsewhere, and on a socket", () => {
    const ports =
      service("reviews", "[{number: 80, name: http, protocol: HTTP, targetPort: 8080}]") +
      workload("reviews-1", "198.18.1.1", "{app: reviews}", { more: "ports: {http: 9000}" }) +
      workload("reviews-2", "198.18.1.2", "{app: reviews}");
    assert.deepEqual(Object.keys(transports(machine(meshOf(ports)).http("http://reviews/"))), [
      "198.18.1.1:9000",
      "198.18.1.2:8080",
    ]);
    const socket = entry(
      "socket",
      "hosts: [s.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, endpoints: [{address: 'unix:///run/s'}]",
    );
    const result = machine(meshOf(socket)).http("http://s.example.com/");
    assert.deepEqual(Object.keys(transports(result)), ["/run/s:0"]);
  });

  it("weights of 0 count as 1, and weights that are too large are made smaller", () => {
    const weighted =
      entry(
        "w",
        "hosts: [w.example.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, workloadSelector: {labels: {app: w}}",
        "shop",
      ) +
      workload("w-1", "198.18.1.1", "{app: w}", { more: "weight: 0" }) +
      workload("w-2", "198.18.1.2", "{app: w}", { more: "weight: 4294967295" });
    const result = machine(meshOf(weighted)).http("http://w.example.com/");
    assert.ok(result.outcome === "routed");
    const [upstream] = result.destinations.map((destination) => destination.upstream);
    assert.ok(upstream?.kind === "endpoints");
    const weights = upstream.endpoints.map(({ weight }) => weight);
    assert.equal(weights[0], 1);
    assert.ok(weights.reduce((sum, weight) => sum + weight, 0) <= 2 ** 32 - 1);
  });

  it("PASSTHROUGH goes where the application meant to go", () => {
    const rule = object(
      "DestinationRule",
      "d",
      "{host: reviews, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}",
    );
    assert.equal(machine(meshOf(reviews + rule)).http("http://reviews/").outcome, "passthrough");
  });

  it("a VirtualService for a host that no service has routes it on port 80", () => {
    const rules = object(
      "VirtualService",
      "v",
      "{hosts: [old.example.com], http: [{route: [{destination: {host: reviews}}]}]}",
    );
    const result = machine(meshOf(reviews + rules)).http("http://203.0.113.1/", {
      headers: { host: "old.example.com" },
    });
    assert.deepEqual(shares(result), { "outbound|80||reviews.shop.svc.cluster.local": 100 });
  });
});
