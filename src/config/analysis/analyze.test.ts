import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodeAndValidate } from "../decode/decode-and-validate.ts";
import { formatProblem } from "../problem.ts";
import { analyze } from "./analyze.ts";

/** Lines of the problems of valid YAML. */
function findings(yaml: string): string[] {
  const { objects, problems } = decodeAndValidate(yaml, { file: "m.yaml", defaultNamespace: "shop" });
  assert.deepEqual(
    problems.filter((problem) => problem.severity === "error"),
    [],
  );
  return analyze(objects).map(formatProblem);
}

const reviews = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: reviews}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: reviews}
spec:
  metadata: {labels: {app: reviews, version: v1}}
  template: {serviceAccount: reviews}
---
`;

const route = (destination: string, hosts = "[reviews]", name = "reviews"): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: ${hosts}
  http:
  - route:
    - destination: ${destination}
---
`;

describe("analyze", () => {
  test("a consistent mesh has no findings", () => {
    const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews
  subsets: [{name: v1, labels: {version: v1}}]
`;
    assert.deepEqual(findings(reviews + route("{host: reviews, subset: v1}") + rule), []);
  });

  test("a WorkloadEntry's labels are those of its metadata before those of its spec", () => {
    const policy = (version: string) => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: reviews-9, labels: {version: v9}}
spec: {address: 198.18.0.9, labels: {app: reviews, version: v8}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: reviews}
spec: {selector: {matchLabels: {version: ${version}}}}
`;
    assert.deepEqual(findings(reviews + policy("v9")), []);
    assert.equal(findings(reviews + policy("v8")).length, 1);
  });

  test("IST0101: a destination that is no service, with line, path and a suggestion", () => {
    assert.deepEqual(findings(reviews + route("{host: reviewz}")), [
      "m.yaml:27: warning IST0101 VirtualService shop/reviews spec.http[0].route[0].destination.host: there is no service with the host reviewz.shop.svc.cluster.local; requests to it fail with 503 (Did you mean reviews.shop.svc.cluster.local?)",
    ]);
  });

  test("IST0101: subset, port, gateway, delegate and mirror", () => {
    const found = findings(`${reviews}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  gateways: [mesh, edge, infra/edge]
  http:
  - match: [{uri: {prefix: /a}}]
    route: [{destination: {host: reviews, subset: v9, port: {number: 81}}}]
    mirror: {host: shadow}
  - delegate: {name: other, namespace: infra}
`);
    assert.deepEqual(
      found.map((line) => line.replace(/^.*VirtualService shop\/reviews /, "")),
      [
        "spec.gateways[1]: there is no Gateway shop/edge (Create it, correct the name, or write mesh for all sidecars.)",
        "spec.gateways[2]: there is no Gateway infra/edge (Create it, correct the name, or write mesh for all sidecars.)",
        "spec.http[1].delegate: there is no VirtualService infra/other (Create it, or correct the name.)",
        "spec.http[0].route[0].destination.port.number: reviews.shop.svc.cluster.local has no port 81; it has 80 (Correct the port, or add it to the service.)",
        "spec.http[0].route[0].destination.subset: no DestinationRule for reviews.shop.svc.cluster.local has a subset v9; requests to it fail with 503 (Add the subset to a DestinationRule, or correct the name.)",
        "spec.http[0].mirror.host: there is no service with the host shadow.shop.svc.cluster.local; requests to it fail with 503 (Create a ServiceEntry for it, or correct the host.)",
      ],
    );
  });

  test("IST0101: a service that is not exported to the caller's namespace is named as such", () => {
    const hidden = reviews.replace("location:", 'exportTo: ["."]\n  location:');
    const found = findings(
      hidden + route("{host: reviews.shop.svc.cluster.local}").replace("{name: reviews}", "{name: a, namespace: web}"),
    );
    assert.match(
      found[0] ?? "",
      /IST0101 .* is not exported to namespace web \(Add web to exportTo of ServiceEntry shop\/reviews/,
    );
  });

  test("IST0101: wildcard services answer for the names below them", () => {
    const wildcard = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: any}
spec:
  hosts: ["*.example.com"]
  ports: [{number: 443, name: tls, protocol: TLS}]
---
`;
    assert.deepEqual(findings(wildcard + route("{host: api.example.com}", "[api.example.com]")), []);
    assert.equal(findings(wildcard + route("{host: example.com}", "[example.com]")).length, 1);
  });

  test("IST0109: two VirtualServices claim one host, in the namespaces that see both", () => {
    const both =
      reviews +
      route("{host: reviews.shop.svc.cluster.local}", "[reviews]", "a") +
      route("{host: reviews.shop.svc.cluster.local}", "[reviews.shop.svc.cluster.local]", "b");
    assert.deepEqual(
      findings(both).map((line) => /IST\d+ \S+ \S+ \S+/.exec(line)?.[0]),
      ["IST0109 VirtualService shop/a spec.hosts[0]:", "IST0109 VirtualService shop/b spec.hosts[0]:"],
    );
    const apart = both
      .replaceAll(/hosts: (\[reviews[^\n]*)\n {2}http/g, 'hosts: $1\n  exportTo: ["."]\n  http')
      .replace("{name: b}", "{name: b, namespace: web}");
    assert.deepEqual(findings(apart), []);
  });

  test("IST0112: a destination without port where the service has several", () => {
    const two = reviews.replace("protocol: HTTP}]", "protocol: HTTP}, {number: 90, name: grpc, protocol: GRPC}]");
    assert.match(
      findings(two + route("{host: reviews}"))[0] ?? "",
      /IST0112 .*spec\.http\[0\]\.route\[0\]\.destination: .*has the ports 80, 90/,
    );
    assert.deepEqual(findings(two + route("{host: reviews, port: {number: 90}}")), []);
  });

  test("IST0127: selectors that choose no workload", () => {
    const found = findings(`${reviews}
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict}
spec: {selector: {matchLabels: {app: reviewz}}, mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: root, namespace: istio-system}
spec: {selector: {matchLabels: {app: reviews}}, mtls: {mode: STRICT}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ratings}
spec:
  hosts: [ratings.shop.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: ratings}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: chosen}
spec: {host: reviews, workloadSelector: {matchLabels: {app: nobody}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: known}
spec: {host: reviews, workloadSelector: {matchLabels: {app: reviews}}}
`);
    assert.deepEqual(
      found.map((line) => /IST\d+ \S+ \S+ \S+/.exec(line)?.[0]),
      [
        "IST0127 PeerAuthentication shop/strict spec.selector.matchLabels:",
        "IST0127 ServiceEntry shop/ratings spec.workloadSelector.labels:",
        "IST0127 DestinationRule shop/chosen spec.workloadSelector.matchLabels:",
      ],
    );
  });

  test("IST0173 and IST0174: DestinationRules that meet no endpoint or no service", () => {
    const found = findings(`${reviews}
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: subsets}
spec:
  host: reviews
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: nowhere}
spec: {host: nowhere}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: everywhere}
spec: {host: "*.svc.cluster.local"}
`);
    assert.deepEqual(
      found.map((line) => /IST\d+ \S+ \S+ \S+/.exec(line)?.[0]),
      [
        "IST0173 DestinationRule shop/subsets spec.subsets[1].labels:",
        "IST0174 DestinationRule shop/nowhere spec.host:",
      ],
    );
  });

  test("IST0177: one host and port with two protocols", () => {
    const other = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: other, namespace: web}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  ports: [{number: 80, name: grpc, protocol: GRPC}]
`;
    assert.deepEqual(
      findings(reviews + other).flatMap((line) => /IST\d+ \S+ \S+ \S+/.exec(line)?.[0] ?? []),
      [
        "IST0177 ServiceEntry shop/reviews spec.ports[0].protocol:",
        "IST0177 ServiceEntry web/other spec.ports[0].protocol:",
      ],
    );
  });

  test("LAT1013: services on ports of the proxies themselves", () => {
    const entry = (name: string, port: string, more = "resolution: NONE") => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec: {hosts: [${name}.example.com], ports: [{number: 80, name: http, protocol: HTTP}, {${port}}], ${more}}
---
`;
    const at = (addresses: string) =>
      `addresses: [${addresses}], resolution: STATIC, endpoints: [{address: 198.18.0.9}]`;
    const mesh =
      entry("a", "number: 15006, name: x, protocol: HTTP") +
      entry("b", "number: 15001, name: grpc, protocol: GRPC", at("203.0.113.7")) +
      entry("c", "number: 15021, name: x, protocol: TCP", at("203.0.113.0/24")) +
      entry("d", "number: 15090, name: tls-x") +
      entry("e", "number: 15006, name: x, protocol: TCP", at("203.0.113.7")) +
      entry("f", "number: 15006, name: x, protocol: TCP", "resolution: STATIC, endpoints: [{address: 198.18.0.9}]") +
      entry("g", "number: 16006, name: x, protocol: HTTP");
    const { objects } = decodeAndValidate(mesh, { file: "m.yaml", defaultNamespace: "shop" });
    const found = (options: Parameters<typeof analyze>[1] = {}) =>
      analyze(objects, options).map(({ code, object, path }) => `${code} ${object?.name} ${path}`);
    const wanted = ["a", "b", "c", "d"].map((name) => `LAT1013 ${name} spec.ports[1].number`);
    assert.deepEqual(found(), wanted);
    const listenPorts = { proxyListenPort: 15001, proxyInboundListenPort: 16006 };
    assert.deepEqual(found({ listenPorts }), [...wanted.slice(1), "LAT1013 g spec.ports[1].number"]);
  });

  test("LAT1013: the port of the proxies' inbound listener, taken for an application's", () => {
    const object = (kind: string, spec: string, group = "networking") => `
apiVersion: ${group}.istio.io/v1
kind: ${kind}
metadata: {name: a, labels: {app: a}}
spec: ${spec}
---
`;
    const template = (port: number) => `{metadata: {labels: {app: a}}, template: {ports: {http-a: ${port}}}}`;
    const entry = (location: string, port: number) =>
      `{hosts: [a.example.com], location: ${location}, resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP, targetPort: ${port}}], endpoints: [{address: 198.18.0.9, ports: {http: ${port}}}]}`;
    const policy = (port: number) =>
      `{selector: {matchLabels: {app: a}}, portLevelMtls: {7000: {mode: STRICT}, ${port}: {mode: DISABLE}}}`;
    const found = (location: string, port: number) => {
      const mesh =
        object("ServiceEntry", entry(location, port)) +
        object("WorkloadEntry", `{address: 198.18.0.9, labels: {app: a}, ports: {http: ${port}}}`) +
        object("WorkloadGroup", template(port)) +
        object("PeerAuthentication", policy(port), "security");
      return findings(mesh).map((line) => /(LAT\d+ \S+) \S+ (\S+):/.exec(line)?.slice(1).join(" "));
    };
    const inside = [
      "LAT1013 WorkloadEntry spec.ports.http",
      "LAT1013 WorkloadGroup spec.template.ports.http-a",
      'LAT1013 PeerAuthentication spec.portLevelMtls["15006"]',
    ];
    assert.deepEqual(found("MESH_INTERNAL", 15006), [
      "LAT1013 ServiceEntry spec.ports[0].targetPort",
      "LAT1013 ServiceEntry spec.endpoints[0].ports.http",
      ...inside,
    ]);
    assert.deepEqual(found("MESH_EXTERNAL", 15006), inside);
    assert.deepEqual(found("MESH_INTERNAL", 15001), []);
  });

  describe("names and addresses of other namespaces", () => {
    const entry = (namespace: string, spec: string): string =>
      `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a, namespace: ${namespace}}\n` +
      `spec: {resolution: STATIC, ports: [{number: 80, name: http}], ${spec}}\n---\n`;
    const shop = (more = "") => entry("shop", `hosts: [web.shop.svc.cluster.local]${more}`);
    const found = (yaml: string): string[] =>
      findings(yaml).map((line) => /(LAT\d+) ServiceEntry (\w+)\/a (\S+):/.exec(line)?.slice(1).join(" ") ?? line);

    for (const [what, mine, both] of [
      ["a full name", "hosts: [web.shop.svc.cluster.local]", true],
      ["a short name", "hosts: [web.shop]", false],
      ["a short name with svc", "hosts: [Web.shop.svc]", false],
    ] as const) {
      test(`${what} of another's service`, () => {
        const expected = ["LAT1015 evil spec.hosts[0]", ...(both ? ["LAT1015 shop spec.hosts[0]"] : [])];
        assert.deepEqual(found(entry("evil", mine) + shop()), expected);
        assert.deepEqual(found(entry("evil", mine)), [], "nobody else has it");
        assert.deepEqual(found(entry("evil", `${mine}, exportTo: [.]`) + shop(", exportTo: [.]")), []);
        assert.deepEqual(found(entry("shop", mine)), []);
      });
    }

    test("an address that another states, or that the mesh gives", () => {
      const stated = (namespace: string, address: string): string =>
        entry(namespace, `hosts: [${namespace}.example.com], addresses: ['${address}']`);
      assert.deepEqual(found(stated("evil", "2001:DB8::1") + stated("shop", "2001:db8:0::1")), [
        "LAT1015 evil spec.addresses[0]",
        "LAT1015 shop spec.addresses[0]",
      ]);
      assert.deepEqual(found(stated("evil", "10.0.0.1") + stated("shop", "10.0.0.2")), []);
      for (const given of ["240.240.0.1", "240.240.3.0/24", "2001:2::5", "0.0.0.0/0", "240.0.0.0/4", "2001::/16"]) {
        assert.deepEqual(found(stated("evil", given)), ["LAT1015 evil spec.addresses[0]"], given);
      }
    });

    test("are looked at for the object that is asked about, not for all the others", () => {
      const { objects } = decodeAndValidate(
        Array.from({ length: 20 }, (_, i) => entry(`n${i}`, "hosts: [a.example.com], addresses: [10.0.0.1]")).join(""),
        { file: "m.yaml" },
      );
      let reads = 0;
      const watched = objects.map((each) => {
        const spec = new Proxy(each.object.spec as object, {
          get(target, key, receiver) {
            if (key === "addresses") reads += 1;
            return Reflect.get(target, key, receiver);
          },
        });
        return { ...each, object: { ...each.object, spec } };
      });
      const told = (index: number) => analyze(watched, { only: (each) => each === watched[index] });
      const all = analyze(watched);
      for (const index of [0, 19]) assert.deepEqual(told(index), all.slice(2 * index, 2 * index + 2));
      const [first] = watched;
      assert.ok(first !== undefined);
      first.object.spec = { ...first.object.spec, addresses: undefined } as never;
      reads = 0;
      assert.equal(told(0).length, 1);
      assert.equal(reads, 0);
    });

    test("an address in another's block, and a block around another's address, at one port", () => {
      const stated = (namespace: string, address: string, more = ""): string =>
        entry(namespace, `hosts: [${namespace}.example.com], addresses: ['${address}']${more}`);
      const both = ["LAT1015 evil spec.addresses[0]", "LAT1015 shop spec.addresses[0]"];
      for (const [wide, narrow] of [
        ["10.0.0.0/8", "10.1.2.3"],
        ["0.0.0.0/1", "10.0.0.0/8"],
        ["2001:db8::/32", "2001:db8:1::/48"],
      ] as const) {
        assert.deepEqual(found(stated("evil", wide) + stated("shop", narrow)), both, wide);
        assert.deepEqual(found(stated("evil", narrow) + stated("shop", wide)), both, wide);
        assert.deepEqual(
          found(stated("evil", wide, ", exportTo: [.]") + stated("shop", narrow, ", exportTo: [.]")),
          [],
        );
        const otherPort = stated("shop", narrow).replace("number: 80", "number: 81");
        assert.deepEqual(found(stated("evil", wide) + otherPort), []);
      }
      assert.deepEqual(found(stated("evil", "10.0.0.0/9") + stated("shop", "10.128.0.0/9")), []);
    });
  });

  describe("conditions that callers get around", () => {
    const policy = (spec: string): string =>
      `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\nspec: ${spec}\n`;
    const found = (spec: string, options: Parameters<typeof analyze>[1] = {}): string[] => {
      const { objects } = decodeAndValidate(policy(spec), { file: "m.yaml", defaultNamespace: "shop" });
      return analyze(objects, options).map(({ code, path }) => `${code} ${path}`);
    };
    const operation = "spec.rules[0].to[0].operation";

    test("DENY by host or path, which callers spell as they like", () => {
      const spec = (what: string): string => `{action: DENY, rules: [{to: [{operation: {${what}}}]}]}`;
      assert.deepEqual(found(spec("hosts: [pay.shop]")), [`LAT1014 ${operation}.hosts`]);
      assert.deepEqual(found(spec('hosts: ["*"], methods: [GET]')), []);
      for (const path of ["/admin", "/admin*", "*/admin", "/a/{*}/b"]) {
        assert.deepEqual(found(spec(`paths: ["${path}"]`)), [`LAT1014 ${operation}.paths`], path);
      }
      for (const path of ["*", "/*", "/{**}", "*.php"]) assert.deepEqual(found(spec(`paths: ["${path}"]`)), [], path);
      assert.deepEqual(found(spec('notHosts: [a.b], notPaths: ["/x"], ports: ["80"]')), []);
      assert.deepEqual(found(spec("paths: [/admin]"), { pathNormalization: "DECODE_AND_MERGE_SLASHES" }), []);
      assert.match(findings(policy(spec("paths: [/admin]"))).join(), /"\/\/admin" or "\/x\/\.\.%2fadmin"/);
    });

    test("ALLOW with exceptions by host or path, but not ALLOW of what is named", () => {
      const spec = (what: string): string => `{rules: [{to: [{operation: {${what}}}]}]}`;
      assert.deepEqual(found(spec("hosts: [pay.shop], paths: [/pay]")), []);
      assert.deepEqual(found(spec("notHosts: [pay.shop], notPaths: [/admin]")), [
        `LAT1014 ${operation}.notHosts`,
        `LAT1014 ${operation}.notPaths`,
      ]);
    });
  });

  test("the order of the objects changes the order of the findings only", () => {
    const yaml =
      reviews +
      route("{host: nowhere}", "[a]", "a") +
      route("{host: reviews}", "[a]", "b") +
      route("{host: c}", "[c]", "c");
    const { objects } = decodeAndValidate(yaml, { file: "m.yaml", defaultNamespace: "shop" });
    const expected = analyze(objects)
      .map(formatProblem)
      .sort()
      .map((line) => line.replaceAll(/shop\/[ab](?=[;,])/g, "_"));
    fc.assert(
      fc.property(fc.shuffledSubarray(objects, { minLength: objects.length }), (shuffled) => {
        const found = analyze(shuffled)
          .map(formatProblem)
          .sort()
          .map((line) => line.replaceAll(/shop\/[ab](?=[;,])/g, "_"));
        assert.deepEqual(found, expected);
      }),
      { numRuns: 50 },
    );
  });
});
