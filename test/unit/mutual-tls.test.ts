// When connections are mutual TLS, told by the resources of both ends.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundCall } from "../../src/simulate/inbound-call.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { forwarded, machine, meshOf, object, service, sidecarAlpn, transports, workload } from "./mesh-world.fake.ts";

const ports = "[{number: 80, name: http, protocol: HTTP}, {number: 3306, name: tcp-db, protocol: TCP}]";
const server = { name: "reviews-1", ip: "198.18.1.1", labels: { app: "reviews" }, serviceAccount: "reviews" };

function meshWide(mode: string): string {
  return object("PeerAuthentication", "default", `{mtls: {mode: ${mode}}}`, "istio-system");
}

describe("a caller", () => {
  const call = (objects: string, meshConfig = {}): string | undefined =>
    Object.values(transports(machine(meshOf(objects, meshConfig)).http("http://reviews.shop.svc.cluster.local/")))[0];
  const registered = service("reviews", ports) + workload("reviews-1", "198.18.1.1", "{app: reviews}");
  const written =
    service("reviews", ports) + workload("reviews-1", "198.18.1.1", "{app: reviews}", { registered: false });
  const labelled = written.replace("{app: reviews}\n", "{app: reviews, security.istio.io/tlsMode: istio}\n");
  const external = written.replace("MESH_INTERNAL", "MESH_EXTERNAL");

  const cases: [what: string, objects: string, transport: string][] = [
    ["a registered workload, always", registered, "mutual TLS"],
    ["a registered workload under PERMISSIVE", registered + meshWide("PERMISSIVE"), "mutual TLS"],
    ["a registered workload under STRICT", registered + meshWide("STRICT"), "mutual TLS"],
    ["a registered workload under DISABLE", registered + meshWide("DISABLE"), "plaintext"],
    ["a workload of unknown capability", written, "plaintext"],
    ["a workload of unknown capability under PERMISSIVE", written + meshWide("PERMISSIVE"), "plaintext"],
    ["a workload of unknown capability under STRICT", written + meshWide("STRICT"), "mutual TLS"],
    ["a workload with Istio's label", labelled, "mutual TLS"],
    ["a workload outside the mesh under STRICT", external + meshWide("STRICT"), "plaintext"],
  ];
  for (const [what, objects, transport] of cases) {
    it(`calls ${what}: ${transport}`, () => assert.equal(call(objects), transport));
  }

  it("follows a DestinationRule before that", () => {
    const rule = (mode: string) =>
      object("DestinationRule", "d", `{host: reviews, trafficPolicy: {tls: {mode: ${mode}}}}`);
    assert.equal(call(registered + rule("DISABLE")), "plaintext");
    assert.equal(call(external + rule("ISTIO_MUTUAL")), "mutual TLS");
    assert.equal(call(external + rule("SIMPLE")), "TLS");
    assert.equal(
      call(registered + object("DestinationRule", "d", "{host: reviews, trafficPolicy: {tls: {sni: x.example}}}")),
      "plaintext",
    );
  });

  describe("where the application names the address", () => {
    const rule = (more = "") =>
      object(
        "DestinationRule",
        "d",
        `{host: reviews, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}${more}}, subsets: [{name: v1, labels: {version: v1}}]}`,
      );
    const route = object(
      "VirtualService",
      "v",
      "{hosts: [reviews], http: [{match: [{uri: {prefix: /v1}}], route: [{destination: {host: reviews, subset: v1}}]}, {route: [{destination: {host: reviews}}]}]}",
    );
    const transport = (objects: string, url = "http://reviews/", meshConfig = {}) => {
      const result = machine(meshOf(objects, meshConfig)).http(url);
      assert.ok("destinations" in result);
      const [upstream] = result.destinations.map((destination) => destination.upstream);
      assert.ok(upstream?.kind === "original-destination");
      return upstream.transport;
    };
    const second = (more: { registered: boolean }) => workload("other-1", "198.18.1.2", "{app: reviews}", more);
    const none = service("reviews", ports);

    const passing: [what: string, objects: string, kind: "tls" | "plaintext"][] = [
      ["a registered workload", registered, "tls"],
      ["a registered workload under DISABLE", registered + meshWide("DISABLE"), "plaintext"],
      ["a workload with Istio's label", labelled, "tls"],
      ["a workload of unknown capability", written, "plaintext"],
      ["a workload of unknown capability under STRICT", written + meshWide("STRICT"), "tls"],
      ["a workload outside the mesh", external, "plaintext"],
      ["two registered workloads", registered + second({ registered: true }), "tls"],
      ["a registered workload beside one of unknown capability", registered + second({ registered: false }), "tls"],
      ["a labelled workload beside one of unknown capability", labelled + second({ registered: false }), "plaintext"],
      ["no workload", none, "plaintext"],
    ];
    for (const [what, objects, kind] of passing) {
      it(`calls ${what}: ${kind}`, () => assert.equal(transport(objects + rule()).kind, kind));
    }

    it("asks for the service accounts, and names the subset", () => {
      const found = transport(registered + rule() + route, "http://reviews/v1");
      assert.ok(found.kind === "tls");
      assert.deepEqual(found.alpn, sidecarAlpn);
      assert.equal(found.sni, "outbound_.80_.v1_.reviews.shop.svc.cluster.local");
      assert.deepEqual(found.verification, {
        kind: "roots",
        roots: "ROOTCA",
        names: ["spiffe://cluster.local/ns/shop/sa/reviews"],
      });
    });

    it("follows a DestinationRule's tls, and automatic mutual TLS that is off, before that", () => {
      assert.equal(transport(registered + rule(", tls: {mode: DISABLE}")).kind, "plaintext");
      assert.equal(transport(written + rule(", tls: {mode: ISTIO_MUTUAL}")).kind, "tls");
      assert.equal(transport(registered + rule(), undefined, { enableAutoMtls: false }).kind, "plaintext");
    });

    it("does so for resolution NONE too", () => {
      const through = registered.replace("resolution: STATIC", "resolution: NONE\n  addresses: [10.9.0.1]");
      assert.equal(transport(through, "http://10.9.0.1/").kind, "tls");
    });
  });

  it("speaks plaintext where automatic mutual TLS is off", () => {
    assert.equal(call(registered, { enableAutoMtls: false }), "plaintext");
  });

  it("follows the policy of each port", () => {
    const policy = object(
      "PeerAuthentication",
      "reviews",
      "{selector: {matchLabels: {app: reviews}}, portLevelMtls: {3306: {mode: DISABLE}}}",
    );
    const front = machine(meshOf(registered + policy));
    assert.deepEqual(transports(front.http("http://reviews/")), { "198.18.1.1:80": "mutual TLS" });
    assert.deepEqual(transports(front.tcp("reviews:3306")), { "198.18.1.1:3306": "plaintext" });
  });

  it("calls names that DNS resolves by mutual TLS where STRICT says they must take it", () => {
    const dns = object(
      "ServiceEntry",
      "web",
      "{hosts: [web.shop.svc.cluster.local], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS, location: MESH_INTERNAL, endpoints: [{address: web.example.com, serviceAccount: web}]}",
    );
    const reach = (objects: string) => transports(machine(meshOf(objects)).http("http://web/"));
    assert.deepEqual(reach(dns), { "web.example.com:80": "plaintext" });
    assert.deepEqual(reach(dns + meshWide("STRICT")), { "web.example.com:80": "mutual TLS" });
  });

  const tlsOf = (objects: string, url = "http://reviews.shop.svc.cluster.local/", meshConfig = {}) => {
    const { destinations } = forwarded(machine(meshOf(objects, meshConfig)).http(url));
    const [upstream] = destinations.map((destination) => destination.upstream);
    const transport = upstream?.kind === "endpoints" ? upstream.endpoints[0]?.transport : undefined;
    assert.ok(transport?.kind === "tls");
    return transport;
  };

  it("asks for the service accounts behind the service, in the trust domain and its aliases", () => {
    const two = registered + workload("other-1", "198.18.1.2", "{app: reviews}");
    const { verification, sni } = tlsOf(two, undefined, { trustDomain: "td", trustDomainAliases: ["old"] });
    assert.deepEqual(verification, {
      kind: "roots",
      roots: "ROOTCA",
      names: ["old", "td"].flatMap((td) => [`spiffe://${td}/ns/shop/sa/other`, `spiffe://${td}/ns/shop/sa/reviews`]),
    });
    assert.equal(sni, "outbound_.80_._.reviews.shop.svc.cluster.local");
  });

  it("asks for the account default where a workload or an inline endpoint names none", () => {
    const nameless = registered.replace("serviceAccount: reviews", 'serviceAccount: ""');
    const inline = object(
      "ServiceEntry",
      "inline",
      "{hosts: [inline.shop.svc.cluster.local], location: MESH_INTERNAL, resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 198.18.1.1}, {address: 198.18.1.2, serviceAccount: web}]}",
    );
    const names = (objects: string, host: string) => {
      const { verification } = tlsOf(objects + meshWide("STRICT"), `http://${host}/`);
      return verification.kind === "roots" ? verification.names : undefined;
    };
    assert.deepEqual(names(nameless, "reviews"), ["spiffe://cluster.local/ns/shop/sa/default"]);
    assert.deepEqual(names(inline, "inline"), [
      "spiffe://cluster.local/ns/shop/sa/default",
      "spiffe://cluster.local/ns/shop/sa/web",
    ]);
  });

  it("offers the ALPN of its protocol, and none that would bind it where the client's protocol is kept", () => {
    assert.deepEqual(tlsOf(registered).alpn, ["istio-http/1.1", "istio", "http/1.1"]);
    const pool = (http: string) =>
      object("DestinationRule", "d", `{host: reviews, trafficPolicy: {connectionPool: {http: ${http}}}}`);
    assert.deepEqual(tlsOf(registered + pool("{h2UpgradePolicy: UPGRADE}")).alpn, ["istio-h2", "istio", "h2"]);
    assert.deepEqual(tlsOf(registered + pool("{useClientProtocol: true}")).alpn, ["istio"]);
  });

  it("to the outside sends the server name, and asks the certificate for it", () => {
    const outside = (more: string, host = "pay.example.com") =>
      object(
        "ServiceEntry",
        "pay",
        `{hosts: ['${host}'], ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}], resolution: STATIC, endpoints: [{address: 203.0.113.1}]}`,
      ) + object("DestinationRule", "pay", `{host: '${host}', trafficPolicy: {tls: {mode: SIMPLE${more}}}}`);
    const simple = tlsOf(outside(""), "http://pay.example.com/");
    assert.deepEqual(
      [simple.sni, simple.verification],
      ["pay.example.com", { kind: "roots", roots: "/etc/ssl/certs/ca-certificates.crt", names: ["pay.example.com"] }],
    );
    const stated = tlsOf(
      outside(", sni: x.example.com, subjectAltNames: [y.example.com], caCertificates: /ca.pem"),
      "http://pay.example.com/",
    );
    assert.deepEqual(
      [stated.sni, stated.verification],
      ["x.example.com", { kind: "roots", roots: "/ca.pem", names: ["y.example.com"] }],
    );
    assert.deepEqual(tlsOf(outside(", insecureSkipVerify: true"), "http://pay.example.com/").verification, {
      kind: "none",
    });
    const mutual = outside("").replace("SIMPLE", "MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem");
    assert.equal(tlsOf(mutual, "http://pay.example.com/").clientCertificate, "/c.pem");
  });
});

describe("a workload", () => {
  const base = service("reviews", ports) + workload("reviews-1", "198.18.1.1", "{app: reviews}");
  const peer = "spiffe://cluster.local/ns/shop/sa/front";
  const get = { method: "GET", path: "/", authority: "reviews" };
  const connections: Record<string, InboundCall["transport"]> = {
    "a sidecar": { kind: "tls", sni: "outbound_.80_._.reviews", alpn: sidecarAlpn, peer },
    "a sidecar without certificate": { kind: "tls", sni: "", alpn: sidecarAlpn, peer: undefined },
    "a stranger's certificate": {
      kind: "tls",
      sni: "",
      alpn: sidecarAlpn,
      peer: "spiffe://evil.example/ns/shop/sa/front",
    },
    "a TLS client of the application": { kind: "tls", sni: "reviews", alpn: ["h2"], peer: undefined },
    plaintext: { kind: "raw_buffer" },
    "a client that waits for the server": { kind: "raw_buffer", serverSpeaksFirst: true },
  };
  const outcome = (objects: string, port: number, who: string, meshConfig = {}): string => {
    const transport = connections[who] as InboundCall["transport"];
    const result = machine(meshOf(base + objects, meshConfig), server).receive({ port, transport, request: get });
    return result.outcome === "accepted" ? `${result.outcome} (${result.security.kind})` : result.outcome;
  };

  const cases: [mode: string, port: number, who: string, expected: string][] = [
    ["PERMISSIVE", 80, "a sidecar", "accepted (mutual TLS)"],
    ["PERMISSIVE", 80, "plaintext", "accepted (plaintext)"],
    ["PERMISSIVE", 80, "a sidecar without certificate", "refused"],
    ["PERMISSIVE", 80, "a stranger's certificate", "refused"],
    ["PERMISSIVE", 80, "a TLS client of the application", "refused"],
    ["PERMISSIVE", 3306, "a sidecar", "accepted (mutual TLS)"],
    ["PERMISSIVE", 3306, "plaintext", "accepted (plaintext)"],
    ["PERMISSIVE", 3306, "a TLS client of the application", "accepted (passed)"],
    ["PERMISSIVE", 3306, "a client that waits for the server", "stalled"],
    ["PERMISSIVE", 9999, "a sidecar", "accepted (mutual TLS)"],
    ["PERMISSIVE", 9999, "plaintext", "accepted (plaintext)"],
    ["STRICT", 80, "a sidecar", "accepted (mutual TLS)"],
    ["STRICT", 80, "plaintext", "refused"],
    ["STRICT", 80, "a TLS client of the application", "refused"],
    ["STRICT", 3306, "plaintext", "refused"],
    ["STRICT", 3306, "a stranger's certificate", "refused"],
    ["STRICT", 9999, "plaintext", "refused"],
    ["STRICT", 9999, "a sidecar", "accepted (mutual TLS)"],
    ["DISABLE", 80, "plaintext", "accepted (plaintext)"],
    ["DISABLE", 80, "a sidecar", "refused"],
    ["DISABLE", 3306, "plaintext", "accepted (plaintext)"],
    ["DISABLE", 3306, "a TLS client of the application", "accepted (passed)"],
    ["DISABLE", 3306, "a client that waits for the server", "accepted (plaintext)"],
    ["DISABLE", 9999, "a client that waits for the server", "accepted (plaintext)"],
  ];
  for (const [mode, port, who, expected] of cases) {
    it(`under ${mode} at port ${port} gets ${who}: ${expected}`, () => {
      assert.equal(outcome(meshWide(mode), port, who), expected);
    });
  }

  it("takes plaintext where no policy speaks", () =>
    assert.equal(outcome("", 80, "plaintext"), "accepted (plaintext)"));

  it("takes certificates of the trust domain's aliases", () => {
    assert.equal(
      outcome(meshWide("STRICT"), 80, "a stranger's certificate", { trustDomainAliases: ["evil.example"] }),
      "accepted (mutual TLS)",
    );
  });

  describe("follows the narrowest policy", () => {
    const namespaceWide = (mode: string) => object("PeerAuthentication", "default", `{mtls: {mode: ${mode}}}`);
    const own = (more: string, labels = "{app: reviews}") =>
      object("PeerAuthentication", "own", `{selector: {matchLabels: ${labels}}, ${more}}`);
    const precedence: [what: string, objects: string, port: number, plaintext: boolean][] = [
      ["namespace before mesh", meshWide("STRICT") + namespaceWide("PERMISSIVE"), 80, true],
      ["workload before namespace", namespaceWide("PERMISSIVE") + own("mtls: {mode: STRICT}"), 80, false],
      ["UNSET is the next wider", meshWide("STRICT") + namespaceWide("UNSET"), 80, false],
      ["UNSET of a workload too", namespaceWide("STRICT") + own("mtls: {mode: UNSET}"), 80, false],
      ["policies of other workloads do not count", own("mtls: {mode: STRICT}", "{app: other}"), 80, true],
      ["port before workload", own("mtls: {mode: STRICT}, portLevelMtls: {80: {mode: PERMISSIVE}}"), 80, true],
      [
        "port before workload, other ports as they were",
        own("mtls: {mode: STRICT}, portLevelMtls: {80: {mode: PERMISSIVE}}"),
        3306,
        false,
      ],
      ["a port's UNSET is the workload's", own("mtls: {mode: STRICT}, portLevelMtls: {80: {mode: UNSET}}"), 80, false],
      [
        "a port that no service names has its own too",
        own("mtls: {mode: PERMISSIVE}, portLevelMtls: {7000: {mode: STRICT}}"),
        7000,
        false,
      ],
      [
        "and the ports beside it have not",
        own("mtls: {mode: PERMISSIVE}, portLevelMtls: {7000: {mode: STRICT}}"),
        7001,
        true,
      ],
      [
        "the root namespace is the mesh's",
        object("PeerAuthentication", "default", "{mtls: {mode: STRICT}}", "istio-system"),
        80,
        false,
      ],
      ["another namespace is not", object("PeerAuthentication", "default", "{mtls: {mode: STRICT}}", "data"), 80, true],
    ];
    for (const [what, objects, port, plaintext] of precedence) {
      it(what, () => assert.equal(outcome(objects, port, "plaintext"), plaintext ? "accepted (plaintext)" : "refused"));
    }
  });

  it("takes what comes at the ports its WorkloadEntry or its ServiceEntry says", () => {
    const elsewhere = (objects: string, port: number) =>
      machine(meshOf(objects), server).receive({ port, transport: { kind: "raw_buffer" }, request: get });
    const moved =
      service("reviews", ports) +
      workload("reviews-1", "198.18.1.1", "{app: reviews}", { more: "ports: {http: 9000}" });
    assert.equal(elsewhere(moved, 9000).filterChain, "0.0.0.0_9000");
    assert.equal(elsewhere(moved, 80).filterChain, "virtualInbound");
    const inline = object(
      "ServiceEntry",
      "r",
      `{hosts: [r.example.com], ports: ${ports}, resolution: STATIC, endpoints: [{address: 198.18.1.1, ports: {http: 9001}}]}`,
    );
    assert.equal(elsewhere(inline, 9001).filterChain, "0.0.0.0_9001");
  });

  it("never forwards what comes to the proxy's own port, whatever objects say of it", () => {
    const chain = (objects: string, who: string, meshConfig = {}, port = 15006): string | undefined => {
      const transport = connections[who] as InboundCall["transport"];
      const result = machine(meshOf(base + objects, meshConfig), server).receive({ port, transport, request: get });
      return result.filterChain;
    };
    const policy = (mode: string, port = 15006) =>
      object(
        "PeerAuthentication",
        "own",
        `{selector: {matchLabels: {app: reviews}}, portLevelMtls: {${port}: {mode: ${mode}}}}`,
      );
    const behind = (protocol: string) =>
      object(
        "ServiceEntry",
        "own",
        `{hosts: [own.example.com], ports: [{number: 90, name: p, protocol: ${protocol}, targetPort: 15006}], resolution: STATIC, workloadSelector: {labels: {app: reviews}}}`,
      );
    for (const mode of ["DISABLE", "PERMISSIVE", "STRICT"]) {
      for (const objects of ["", policy(mode), behind("TCP") + policy(mode), behind("HTTP") + meshWide(mode)]) {
        for (const who of ["plaintext", "a sidecar"]) {
          assert.equal(chain(objects, who), "virtualInbound-blackhole", `${mode} ${who} ${objects}`);
        }
      }
    }
    const other = { proxyInboundListenPort: 16006 };
    assert.equal(chain(policy("STRICT", 16006), "a sidecar", other, 16006), "virtualInbound-blackhole");
    assert.equal(chain(behind("TCP"), "a sidecar", other), "0.0.0.0_15006");
  });

  it("has no cluster that leads to the proxy itself", () => {
    const loop = "[{number: 90, name: p, protocol: TCP, targetPort: 15006}]";
    const { view } = machine(meshOf(service("reviews", loop) + workload("r", "198.18.1.1", "{app: reviews}")), server);
    assert.equal(view.resources(typeUrls.cluster).get("inbound|15006||"), undefined);
  });
});
