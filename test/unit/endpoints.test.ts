// Which workloads are the endpoints of which port of a service, and under which labels.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { machine, meshOf, object, service, transports, workload } from "./mesh-world.fake.ts";

const http = "[{number: 80, name: http, protocol: HTTP}]";

describe("labels of a WorkloadEntry", () => {
  it("are those of its metadata before those of its spec", () => {
    const objects =
      service("reviews", http) +
      workload("reviews-1", "198.18.1.1", "{app: reviews, version: v1}").replace(
        "namespace: shop\n  annotations",
        "namespace: shop\n  labels: {version: v2}\n  annotations",
      ) +
      object("DestinationRule", "d", "{host: reviews, subsets: [{name: v2, labels: {version: v2}}]}") +
      object(
        "VirtualService",
        "v",
        "{hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: v2}}]}]}",
      );
    assert.deepEqual(transports(machine(meshOf(objects)).http("http://reviews/")), {
      "198.18.1.1:80": "mutual TLS",
    });
  });
});

describe("two ServiceEntries of one host", () => {
  const entry = (name: string, fields: string, day = 1) =>
    object("ServiceEntry", name, `{hosts: [y.example.com], ${fields}}`).replace(
      "metadata: {",
      `metadata: {creationTimestamp: '2026-01-0${day}T00:00:00Z', `,
    );
  const port = (number: number, name: string, more = "") =>
    `ports: [{number: ${number}, name: ${name}, protocol: HTTP${more}}]`;
  const reached = (objects: string, number: number): string[] =>
    Object.keys(transports(machine(meshOf(objects)).http(`http://y.example.com:${number}/`)));

  it("keep their endpoints at their own ports", () => {
    const objects =
      entry("a", `resolution: STATIC, ${port(80, "http")}, endpoints: [{address: 198.18.1.5}]`) +
      entry("b", `resolution: STATIC, ${port(81, "http-b")}, endpoints: [{address: 198.18.1.6}]`);
    assert.deepEqual(reached(objects, 80), ["198.18.1.5:80"]);
    assert.deepEqual(reached(objects, 81), ["198.18.1.6:81"]);
  });

  it("share a port, each with the target port that it states", () => {
    const objects =
      entry("a", `resolution: STATIC, ${port(80, "http", ", targetPort: 8080")}, endpoints: [{address: 198.18.1.5}]`) +
      entry(
        "b",
        `resolution: STATIC, ${port(80, "http-b", ", targetPort: 9090")}, endpoints: [{address: 198.18.1.6}, {address: 198.18.1.7, ports: {http-b: 9091}}]`,
      );
    assert.deepEqual(reached(objects, 80), ["198.18.1.5:8080", "198.18.1.6:9090", "198.18.1.7:9091"]);
  });

  it("have the host itself as an endpoint only where DNS is to find it", () => {
    const named = entry("a", `resolution: DNS, ${port(80, "http")}`);
    const written = entry(
      "b",
      `resolution: STATIC, ${port(81, "http-b", ", targetPort: 8081")}, endpoints: [{address: 198.18.1.5}]`,
      2,
    );
    assert.deepEqual(reached(named + written, 80), ["y.example.com:80"]);
    assert.deepEqual(reached(named + written, 81), ["198.18.1.5:8081"]);
    assert.deepEqual(reached(named + entry("b", `resolution: STATIC, ${port(81, "http-b")}`, 2), 81), []);
  });

  const chosen = "resolution: STATIC, location: MESH_INTERNAL, workloadSelector: {labels: {app: web}}";
  const web = workload("web-1", "198.18.1.1", "{app: web}", { more: "ports: {http: 8080, http-b: 8081}" });

  it("have a workload that both select once", () => {
    const both =
      web +
      entry("a", `${chosen}, ${port(80, "http")}`) +
      entry("b", `${chosen}, ports: [{number: 80, name: http-b}, {number: 81, name: http, protocol: HTTP}]`, 2);
    const endpoints = (number: number) => {
      const result = machine(meshOf(both)).http(`http://y.example.com:${number}/`);
      assert.ok(result.outcome === "routed");
      const [upstream] = result.destinations.map((destination) => destination.upstream);
      assert.ok(upstream?.kind === "endpoints");
      return upstream.endpoints.map(({ address, port: at }) => `${address}:${at}`);
    };
    assert.deepEqual(endpoints(80), ["198.18.1.1:8080"]);
    assert.deepEqual(endpoints(81), ["198.18.1.1:8080"]);
  });

  it("open to a workload only the ports of those that have it", () => {
    const objects =
      web +
      entry("a", `${chosen}, ${port(80, "http")}`) +
      entry("b", `resolution: STATIC, ${port(81, "http-b")}, endpoints: [{address: 198.18.1.6}]`);
    const chainAt = (ip: string, labels: Record<string, string>, at: number) =>
      machine(meshOf(objects), { name: "web-1", ip, labels }).receive({
        port: at,
        transport: { kind: "raw_buffer" },
        request: { method: "GET", path: "/", authority: "y.example.com" },
      }).filterChain;
    assert.equal(chainAt("198.18.1.1", { app: "web" }, 8080), "0.0.0.0_8080");
    assert.equal(chainAt("198.18.1.1", { app: "web" }, 8081), "virtualInbound");
    assert.equal(chainAt("198.18.1.6", { app: "other" }, 81), "0.0.0.0_81");
    assert.equal(chainAt("198.18.1.6", { app: "other" }, 80), "virtualInbound");
  });
});

describe("two instances on one machine", () => {
  const ports = "[{number: 80, name: http, protocol: HTTP, targetPort: 8080}]";
  const at = (more: string) => `{address: 198.18.1.1, ${more}}`;
  const entry = (name: string, fields: string) => object("ServiceEntry", name, `{hosts: [m.example.com], ${fields}}`);
  const inline = `resolution: STATIC, ports: ${ports}, endpoints: `;
  const chosen = `resolution: STATIC, ports: ${ports}, workloadSelector: {labels: {app: m}}`;
  const first = workload("m-1", "198.18.1.1", "{app: m}");
  const second = workload("m-2", "198.18.1.1", "{app: m}", { more: "ports: {http: 8081}" });

  const cases: [what: string, objects: string][] = [
    ["two WorkloadEntries", entry("m", chosen) + first + second],
    ["two inline endpoints", entry("m", `${inline}[${at("")}, ${at("ports: {http: 8081}")}]`)],
    [
      "two ServiceEntries of one host",
      entry("a", `${inline}[${at("")}]`) + entry("b", `${inline}[${at("ports: {http: 8081}")}]`),
    ],
    [
      "a WorkloadEntry and an inline endpoint",
      entry("a", chosen) + first + entry("b", `${inline}[${at("ports: {http: 8081}")}]`),
    ],
  ];
  for (const [what, objects] of cases) {
    it(`have an inbound port each: ${what}`, () => {
      const server = machine(meshOf(objects), { name: "m-1", ip: "198.18.1.1", labels: { app: "m" } });
      const endpoints = Object.keys(transports(machine(meshOf(objects)).http("http://m.example.com/"))).sort();
      assert.deepEqual(endpoints, ["198.18.1.1:8080", "198.18.1.1:8081"]);
      for (const port of [8080, 8081]) {
        const result = server.receive({
          port,
          transport: { kind: "raw_buffer" },
          request: { method: "GET", path: "/", authority: "m.example.com" },
        });
        assert.deepEqual([result.outcome, result.filterChain], ["accepted", `0.0.0.0_${port}`]);
      }
    });
  }

  it("serve where callers are sent, whatever ports the machine's own group names", () => {
    for (const objects of [entry("m", `${inline}[${at("")}]`), entry("m", chosen) + first]) {
      const group = { name: "m-1", ip: "198.18.1.1", labels: { app: "m" }, ports: { http: 9999 } };
      const result = machine(meshOf(objects), group).receive({
        port: 8080,
        transport: { kind: "raw_buffer" },
        request: { method: "GET", path: "/", authority: "m.example.com" },
      });
      assert.deepEqual([result.outcome, result.filterChain], ["accepted", "0.0.0.0_8080"]);
    }
  });
});
