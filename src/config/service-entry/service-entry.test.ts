import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Finding } from "../kind.ts";
import { outlineOf, problemsOf, smallKindSuite } from "../small-kind.suite.ts";
import { serviceEntryKind } from "./service-entry.ts";

const port = { number: 80, name: "http", protocol: "HTTP" };

const machines = {
  hosts: ["reviews.shop.svc.cluster.local"],
  addresses: ["10.1.0.1", "10.2.0.0/16", "2001:db8::1"],
  ports: [{ ...port, targetPort: 8080 }],
  location: "MESH_INTERNAL",
  resolution: "STATIC",
  endpoints: [
    {
      address: "10.0.0.1",
      ports: { http: 9080 },
      labels: { app: "reviews", version: "v1" },
      network: "vm",
      locality: "eu/eu-1/a",
      weight: 5,
      serviceAccount: "reviews",
    },
  ],
  exportTo: ["."],
  subjectAltNames: ["spiffe://cluster.local/ns/shop/sa/reviews"],
};

const selected = {
  hosts: ["*.example.com"],
  ports: [port],
  resolution: "STATIC",
  workloadSelector: { labels: { app: "reviews" } },
};

smallKindSuite(serviceEntryKind, [machines, selected], ["endpoints[].network"]);

/** What is found beside what the object is about. */
function found(change: object): string[] {
  const spec = { hosts: ["a.example.com"], ports: [port], resolution: "DNS", ...change };
  return outlineOf(problemsOf(serviceEntryKind, spec));
}

const one = (severity: Finding["severity"], path: string, code = "LAT1007"): string[] => [
  `${severity} ${code} spec.${path}`,
];

describe("ServiceEntry", () => {
  it("takes what Istio's users write", () => {
    assert.deepEqual(found({}), []);
    assert.deepEqual(found({ resolution: undefined }), []);
    assert.deepEqual(found({ hosts: ["*.example.com"], resolution: "NONE" }), []);
    assert.deepEqual(found({ endpoints: [{ address: "eu.example.com" }, { address: "10.0.0.1" }] }), []);
    assert.deepEqual(found({ resolution: "STATIC", endpoints: [{ address: "unix:///run/app.sock" }] }), []);
    assert.deepEqual(found({ resolution: "STATIC", endpoints: [{ address: "unix://@app" }] }), []);
    assert.deepEqual(found({ resolution: "STATIC", endpoints: [{ address: "2001:db8::1" }] }), []);
    assert.deepEqual(found({ exportTo: ["~"] }), []);
    assert.deepEqual(found({ ports: [{ number: 9000, name: "grpc-web" }] }), []);
    assert.deepEqual(found({ ports: [{ number: 3306, name: "mysql" }] }), []);
    assert.deepEqual(found({ ports: [{ number: 443, name: "x", protocol: "tls" }] }), []);
  });

  it("keeps Istio's rules", () => {
    assert.deepEqual(found({ hosts: ["*"], resolution: "NONE" }), one("error", "hosts[0]"));
    assert.deepEqual(found({ ports: [{ ...port, number: 0 }] }), one("error", "ports[0].number"));
    assert.deepEqual(found({ ports: [{ ...port, targetPort: 65536 }] }), one("error", "ports[0].targetPort"));
    assert.deepEqual(found({ ports: [port, { ...port, name: "http-2" }] }), one("error", "ports"));
    assert.deepEqual(
      found({ endpoints: [{ address: "10.0.0.1" }], workloadSelector: {} }),
      one("error", "workloadSelector"),
    );
    assert.deepEqual(found({ addresses: ["10.0.0.0/8"] }), one("error", "addresses"));
    assert.deepEqual(found({ resolution: "NONE", endpoints: [] }), one("error", "endpoints"));
    assert.deepEqual(
      found({ resolution: "DNS_ROUND_ROBIN", endpoints: [{ address: "a.example" }, { address: "b.example" }] }),
      one("error", "endpoints"),
    );
    assert.deepEqual(found({ endpoints: [{}] }), one("error", "endpoints[0].address"));
    assert.deepEqual(
      found({ resolution: "STATIC", endpoints: [{ address: "unix:///a", ports: {} }] }),
      one("error", "endpoints[0].ports"),
    );
    assert.deepEqual(
      found({ resolution: "STATIC", endpoints: [{ address: "unix://a" }] }),
      one("error", "endpoints[0].address"),
    );
    assert.deepEqual(
      found({ resolution: "STATIC", endpoints: [{ address: "unix:///a/" }] }),
      one("error", "endpoints[0].address"),
    );
    assert.deepEqual(
      found({ endpoints: [{ address: "a.example", ports: { "a b": 1 } }] }),
      one("error", "endpoints[0].ports"),
    );
    assert.deepEqual(
      found({ endpoints: [{ address: "a.example", ports: { http: 70000 } }] }),
      one("error", "endpoints[0].ports.http"),
    );
    assert.deepEqual(
      found({ resolution: "STATIC", workloadSelector: { labels: { app: "*" } } }),
      one("error", "workloadSelector.labels.app"),
    );
  });

  it("refuses names that are none", () => {
    for (const host of ["", "a..b", "a b", "*.*.com", "a.*", "http://a.com", "a.com:80", "10.0.0.1", "a_b.com"]) {
      assert.deepEqual(found({ hosts: [host], resolution: "NONE" }), one("error", "hosts[0]"), host);
    }
    assert.deepEqual(found({ hosts: ["a.com", "A.com"] }), one("warning", "hosts[1]"));
    assert.deepEqual(found({ hosts: ["*.example.com"] }), one("error", "hosts[0]"));
  });

  it("refuses addresses that are none, or that no service can have", () => {
    for (const address of [
      "a.example.com",
      "10.0.0",
      "10.0.0.0/40",
      "fe80::1%eth0",
      "",
      "0.0.0.0",
      "224.0.0.1",
      "::",
    ]) {
      assert.deepEqual(found({ resolution: "NONE", addresses: [address] }), one("error", "addresses[0]"), address);
    }
  });

  it("refuses endpoints that no proxy must be told of", () => {
    for (const address of [
      "0.0.0.0",
      "::",
      "169.254.169.254",
      "::ffff:169.254.169.254",
      "224.0.0.5",
      "255.255.255.255",
    ]) {
      for (const resolution of ["STATIC", "DNS"]) {
        assert.deepEqual(
          found({ resolution, endpoints: [{ address }] }),
          one("error", "endpoints[0].address"),
          address,
        );
      }
    }
    for (const address of ["127.0.0.1", "::1", "fe80::1", "169.254.7.7"]) {
      assert.deepEqual(found({ endpoints: [{ address }] }), one("warning", "endpoints[0].address"), address);
    }
    for (const address of ["fe80::1%eth0", "2130706433", "0x7f000001", "127.1", "a_b", ""]) {
      assert.deepEqual(found({ endpoints: [{ address }] }), one("error", "endpoints[0].address"), address);
    }
  });

  it("wants endpoints of the form that the resolution asks for", () => {
    assert.deepEqual(
      found({ resolution: "STATIC", endpoints: [{ address: "a.example" }] }),
      one("error", "endpoints[0].address"),
    );
    assert.deepEqual(found({ endpoints: [{ address: "unix:///a" }] }), one("error", "endpoints[0].address"));
    assert.deepEqual(
      found({
        resolution: "STATIC",
        ports: [port, { ...port, number: 81, name: "http-b" }],
        endpoints: [{ address: "unix:///a" }],
      }),
      one("error", "endpoints[0].address"),
    );
    assert.deepEqual(
      found({ endpoints: [{ address: "a.example", ports: { grpc: 1 } }] }),
      one("error", "endpoints[0].ports.grpc"),
    );
    assert.deepEqual(
      found({ endpoints: [{ address: "a.example", weight: 4294967295 }, { address: "b.example" }] }),
      one("error", "endpoints"),
    );
  });

  it("wants ports that can be told apart", () => {
    assert.deepEqual(
      found({ ports: [port, { number: 81, name: "http", protocol: "HTTP" }] }),
      one("error", "ports[1].name"),
    );
    assert.deepEqual(found({ ports: [{ ...port, name: "a.b" }] }), one("error", "ports[0].name"));
    assert.deepEqual(found({ ports: [{ ...port, protocol: "UDP" }] }), one("error", "ports[0].protocol"));
    assert.deepEqual(found({ ports: [{ number: 1, name: "web" }] }), one("info", "ports[0].name", "IST0118"));
    assert.deepEqual(
      found({ hosts: ["a.com", "b.com"], ports: [{ number: 1, name: "tcp" }] }),
      one("error", "ports[0].protocol"),
    );
    assert.deepEqual(found({ ports: [] }), one("warning", "ports"));
  });

  it("says what has no effect", () => {
    assert.deepEqual(found({ resolution: "STATIC" }), one("warning", "resolution"));
    assert.deepEqual(found({ resolution: "DNS_ROUND_ROBIN" }), one("warning", "resolution", "LAT1010"));
    assert.deepEqual(found({ resolution: "DYNAMIC_DNS" }), one("warning", "resolution", "LAT1010"));
    assert.deepEqual(
      found({ resolution: "NONE", workloadSelector: { labels: { a: "b" } } }),
      one("warning", "workloadSelector"),
    );
    assert.deepEqual(found({ resolution: "STATIC", workloadSelector: {} }), one("warning", "workloadSelector"));
  });

  it("checks exportTo and subjectAltNames", () => {
    assert.deepEqual(found({ exportTo: ["*", "shop"] }), one("error", "exportTo[0]"));
    assert.deepEqual(found({ exportTo: ["shop", "~"] }), one("error", "exportTo[1]"));
    assert.deepEqual(found({ exportTo: ["shop", "shop"] }), one("error", "exportTo[1]"));
    assert.deepEqual(found({ exportTo: ["Shop"] }), one("error", "exportTo[0]"));
    assert.deepEqual(found({ subjectAltNames: [""] }), one("error", "subjectAltNames[0]"));
  });
});
