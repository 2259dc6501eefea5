// What src/simulate says happens to a call is what the real Envoy does with it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { resolveEnvoy } from "../../src/agent/envoy/resolve-envoy.ts";
import { authorityBed } from "../../src/ca/authority.fake.ts";
import { createCertificateRequest } from "../../src/identity/certificate-request.ts";
import { ecSigner } from "../../src/identity/signer.fake.ts";
import { workloadSpiffeId } from "../../src/identity/spiffe-id.ts";
import { defaultMeshSettings } from "../../src/model/mesh-settings.ts";
import type { InboundCall } from "../../src/simulate/inbound-call.ts";
import { simulateInbound } from "../../src/simulate/simulate-inbound.ts";
import { simulateOutbound } from "../../src/simulate/simulate-outbound.ts";
import { everyMessage, openCase, readCase, resourcesAsJson } from "../../src/translate/golden-case.fake.ts";
import { MeshRig } from "../../src/translate/mesh-rig.fake.ts";
import type { ClientView } from "../../src/xds/generator.ts";
import type { ReferencePolicy } from "../unit/authorization-reference.fake.ts";
import { randomCall, randomPolicies } from "../unit/random-policies.fake.ts";
import { clusterTo, freePort, type Json, StaticEnvoy, startEcho } from "./static-envoy.fake.ts";

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

async function ask(options: {
  port: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  socket?: Socket;
}): Promise<Answer> {
  const { socket, ...rest } = options;
  const request = httpRequest({
    host: "127.0.0.1",
    ...rest,
    ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
  });
  request.end();
  const [response] = await once(request, "response");
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

let envoyPath = "";
let echo: Awaited<ReturnType<typeof startEcho>>;
let registry: Awaited<ReturnType<typeof everyMessage>>;

before(async () => {
  envoyPath = (await resolveEnvoy({ env: process.env, log: (line) => console.error(line) })).path;
  echo = await startEcho();
  registry = await everyMessage();
});
after(() => echo.stop());

describe("outbound requests", () => {
  const { view } = openCase(readCase("routing").input);
  let envoy: StaticEnvoy;
  let port: number;

  before(async () => {
    port = await freePort();
    envoy = await StaticEnvoy.start(envoyPath, outboundBootstrap(view, port));
  });
  after(() => envoy.stop());

  /** The listener of port 80 with its routes inside; every cluster is the echo. */
  function outboundBootstrap(proxy: ClientView, at: number): Json {
    const find = (type: "listeners" | "routes", name: string): Json =>
      resourcesAsJson(proxy, type, registry).find((resource) => (resource as Json)["name"] === name) as Json;
    const listener = structuredClone(find("listeners", "0.0.0.0_80"));
    const routes = structuredClone(find("routes", "80"));
    listener["address"] = { socket_address: { address: "127.0.0.1", port_value: at } };
    delete listener["bind_to_port"];
    const [chain] = listener["filter_chains"] as Json[];
    const manager = (chain?.["filters"] as Json[] | undefined)?.[0]?.["typed_config"] as Json;
    delete manager["rds"];
    delete manager["access_log"];
    // Faults of a share of the requests are a matter of luck.
    manager["http_filters"] = (manager["http_filters"] as Json[]).filter(
      ({ name }) => !/fault|lateen/.test(String(name)),
    );
    for (const host of routes["virtual_hosts"] as Json[]) {
      for (const route of host["routes"] as Json[])
        delete (route["typed_per_filter_config"] as Json | undefined)?.["envoy.filters.http.fault"];
    }
    const tell = (key: string, value: string) => ({
      header: { key, value },
      append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
    });
    routes["response_headers_to_add"] = [
      tell("x-route", "%ROUTE_NAME%"),
      tell("x-cluster", "%UPSTREAM_CLUSTER_RAW%"),
      tell("x-host", "%VIRTUAL_CLUSTER_NAME%"),
    ];
    manager["route_config"] = routes;
    const names = [...new Set(JSON.stringify(routes).match(/(?:outbound\|[^"]+|PassthroughCluster)/g))];
    return { static_resources: { listeners: [listener], clusters: names.map((name) => clusterTo(name, echo.port)) } };
  }

  const request = fc.record({
    method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "OPTIONS"),
    path: fc.constantFrom(
      "/",
      "/cart?debug=yes",
      "/CART?x=1&debug=y",
      "/cart?debug=no",
      "/Cart?debug=y#f",
      "/api",
      "/api/",
      "/api//x?y=/api",
      "/apix/y",
      "/v7/a/b?c=d",
      "/v7",
      "/x/../v7/a",
      "/./api/%2e%2e/old",
      "/old?q=1",
      "/old/x",
      "/older/x?q=1",
      "/closed",
      "/pixel",
      "/never",
      "/a\\b",
      "//x",
      "/?q=12&p=1",
    ),
    authority: fc.constantFrom(
      "web",
      "WEB.shop",
      "web.shop.svc:80",
      "web.shop.svc.cluster.local.",
      "legacy.example.com",
      "240.240.0.1",
      "unknown.example",
    ),
    headers: fc.record(
      {
        "x-user": fc.constantFrom("bob", "bobby", ""),
        "x-any": fc.constantFrom("", "1"),
        "x-bot": fc.constantFrom("bad", "bad-one", "good"),
        "x-a": fc.constantFrom("a", "aa", "ab", "b"),
        "x-b": fc.constantFrom("b", "bb", "c"),
        origin: fc.constantFrom("https://a.example", "https://b.any", "https://x.c.example", "https://evil.example"),
        "access-control-request-method": fc.constant("POST"),
      },
      { requiredKeys: [] },
    ),
  });

  it("meet the route, cluster, path, authority and answer that were told", async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, authority, headers }) => {
        const asked = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
          string,
          string
        >;
        const told = simulateOutbound(view, {
          to: { ip: "203.0.113.1", port: 80 },
          traffic: { kind: "http", request: { method, path, authority, headers: asked } },
        });
        const got = await ask({ port, method, path, headers: { ...asked, host: authority } });
        outcomes.add(told.outcome === "answered" ? `answered by ${told.by}` : told.outcome);
        if (told.outcome === "answered") {
          assert.equal(got.status, told.status);
          for (const [name, value] of Object.entries(told.headers)) assert.equal(got.headers[name], value, name);
          return;
        }
        assert.equal(told.outcome === "noRoute" ? 404 : 200, got.status);
        if (told.outcome === "noRoute") return;
        assert.ok("destinations" in told && told.protocol === "http");
        assert.equal(got.headers["x-route"], told.route);
        const destination = told.destinations.find(({ cluster }) => cluster === got.headers["x-cluster"]);
        assert.ok(
          destination,
          `${got.headers["x-cluster"]} is none of ${told.destinations.map(({ cluster }) => cluster)}`,
        );
        for (const name of ["access-control-allow-origin", "access-control-expose-headers"]) {
          const expected: string | undefined =
            told.cors.kind === "allowed" ? told.cors.responseHeaders[name] : undefined;
          assert.equal(got.headers[name], expected, name);
        }
        if (method === "HEAD") return;
        const seen = JSON.parse(got.body) as { path: string; headers: Record<string, string> };
        assert.equal(seen.path, told.path);
        assert.equal(seen.headers["host"], destination.authority);
        for (const [name, value] of Object.entries(destination.requestHeaders.set))
          assert.equal(seen.headers[name], value);
      }),
      { numRuns: 600 },
    );
    assert.deepEqual([...outcomes].sort(), [
      "answered by CORS",
      "answered by direct response",
      "answered by path check",
      "answered by redirect",
      "passthrough",
      "routed",
    ]);
  });
});

describe("inbound connections", () => {
  const bed = authorityBed(Date.now());
  const folder = mkdtempSync(join(tmpdir(), "lateen-simulation-"));
  const certificates = new Map<string, { cert: string; key: string }>();
  let roots = "";

  const issue = async (namespace: string, account: string): Promise<{ cert: string; key: string }> => {
    const authority = await bed.open();
    const signer = ecSigner();
    const id = workloadSpiffeId(authority.trustDomain, namespace, account);
    const { chain } = await authority.signWorkload(await createCertificateRequest(signer), id);
    roots = authority.roots();
    return { cert: chain.join(""), key: String(signer.privateKey.export({ type: "pkcs8", format: "pem" })) };
  };

  before(async () => {
    for (const namespace of ["shop", "bank", "shopping"]) {
      for (const account of ["cart", "a.b", "axb"]) {
        certificates.set(`spiffe://cluster.local/ns/${namespace}/sa/${account}`, await issue(namespace, account));
      }
    }
    const own = await issue("shop", "reviews");
    writeFileSync(join(folder, "cert.pem"), own.cert);
    writeFileSync(join(folder, "key.pem"), own.key);
    writeFileSync(join(folder, "roots.pem"), roots);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await bed.dispose();
  });

  /** The ports of the random world, and the free ones that stand for them. */
  type Ports = ReadonlyMap<number, number>;

  /** The world of the unit tests, moved to this machine's addresses and ports. */
  function moved(policies: readonly ReferencePolicy[], ports: Ports): ReferencePolicy[] {
    let text = JSON.stringify(policies)
      .replaceAll(/(?:td|old)\.example\//g, "cluster.local/")
      .replaceAll("10.0.0.0/8", "127.0.0.0/8")
      .replaceAll("10.1.2.3", "127.0.0.1");
    for (const [from, to] of ports) text = text.replaceAll(`"${from}"`, `"${to}"`);
    return JSON.parse(text) as ReferencePolicy[];
  }

  function proxyOf(policies: readonly ReferencePolicy[], ports: Ports): ClientView {
    const rig = new MeshRig(defaultMeshSettings);
    const put = (kind: string, name: string, namespace: string, spec: object) =>
      rig.put({ key: { source: "files", group: "test", kind, namespace, name }, meta: { name, namespace }, spec });
    put("ServiceEntry", "reviews", "shop", {
      hosts: ["reviews"],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      ports: [
        { number: ports.get(80), name: "http", protocol: "HTTP" },
        { number: ports.get(3306), name: "tcp", protocol: "TCP" },
      ],
      workloadSelector: { labels: { app: "reviews" } },
    });
    for (const { name, namespace, spec } of policies) put("AuthorizationPolicy", name, namespace, spec);
    return rig.open({ name: "reviews", namespace: "shop", ip: "198.18.1.1", labels: { app: "reviews" } });
  }

  /** virtualInbound at the ports themselves, with certificates from files; the application is the echo. */
  function inboundBootstrap(view: ClientView, ports: Ports): Json {
    const found = resourcesAsJson(view, "listeners", registry).find(
      (resource) => (resource as Json)["name"] === "virtualInbound",
    );
    const listener = structuredClone(found) as Json;
    const [first, ...more] = [...ports.values()].map((port) => ({
      socket_address: { address: "127.0.0.1", port_value: port },
    }));
    listener["address"] = first;
    listener["additional_addresses"] = more.map((address) => ({ address }));
    listener["listener_filters"] = (listener["listener_filters"] as Json[]).filter(
      ({ name }) => !String(name).includes("original_dst"),
    );
    for (const chain of listener["filter_chains"] as Json[]) {
      for (const filter of chain["filters"] as Json[]) delete (filter["typed_config"] as Json)["access_log"];
      const common = ((chain["transport_socket"] as Json | undefined)?.["typed_config"] as Json | undefined)?.[
        "common_tls_context"
      ] as Json | undefined;
      if (common === undefined) continue;
      delete common["tls_certificate_sds_secret_configs"];
      common["tls_certificates"] = [
        {
          certificate_chain: { filename: join(folder, "cert.pem") },
          private_key: { filename: join(folder, "key.pem") },
        },
      ];
      const combined = common["combined_validation_context"] as Json;
      delete common["combined_validation_context"];
      common["validation_context"] = {
        ...(combined["default_validation_context"] as Json),
        trusted_ca: { filename: join(folder, "roots.pem") },
      };
    }
    const names = [
      ...new Set(JSON.stringify(listener).match(/(?:inbound\|\d+\|\||InboundPassthroughCluster|BlackHoleCluster)/g)),
    ];
    return { static_resources: { listeners: [listener], clusters: names.map((name) => clusterTo(name, echo.port)) } };
  }

  /** True where the application answered. */
  async function reaches(call: InboundCall): Promise<boolean> {
    const { transport, port, request } = call;
    const options = { port, host: "127.0.0.1" };
    const peer = transport.kind === "tls" ? certificates.get(transport.peer ?? "") : undefined;
    const socket =
      transport.kind === "tls"
        ? connectTls({
            ...options,
            rejectUnauthorized: false,
            ALPNProtocols: [...transport.alpn],
            ...(transport.sni === "" ? {} : { servername: transport.sni }),
            ...peer,
          })
        : connectTcp(options);
    try {
      const answer = await ask({
        port,
        method: request?.method ?? "GET",
        path: request?.path ?? "/tcp",
        headers: { host: request?.authority ?? "tcp", ...request?.headers, connection: "close" },
        socket,
      });
      if (answer.status === 403) return false;
      assert.equal(answer.status, 200);
      return true;
    } catch (error) {
      const { code } = error as { code?: string };
      // A closed connection is how a proxy refuses what is not HTTP.
      assert.ok(["ECONNRESET", "EPIPE"].includes(code ?? ""), String(error));
      return false;
    } finally {
      socket.destroy();
    }
  }

  it("are let in or refused as was told, under random policies", async () => {
    let [accepted, denied] = [0, 0];
    const calls = fc.array(randomCall, { minLength: 25, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(randomPolicies, calls, async (policies, asked) => {
        const ports: Ports = new Map(
          await Promise.all([80, 3306, 9999].map(async (port) => [port, await freePort()] as const)),
        );
        const view = proxyOf(moved(policies, ports), ports);
        const envoy = await StaticEnvoy.start(envoyPath, inboundBootstrap(view, ports));
        try {
          for (const { peer, sni, port, http } of asked) {
            const call: InboundCall = {
              port: ports.get(port) ?? 0,
              ip: "127.0.0.1",
              sourceIp: "127.0.0.1",
              transport:
                peer === undefined
                  ? { kind: "raw_buffer" }
                  : {
                      kind: "tls",
                      sni,
                      alpn: ["istio-http/1.1", "istio", "http/1.1"],
                      peer: `spiffe://cluster.local/ns/${peer.namespace}/sa/${peer.account}`,
                    },
              ...(http === undefined
                ? {}
                : { request: { method: http.method, path: http.path, authority: http.host, headers: http.headers } }),
            };
            const { outcome } = simulateInbound(view, call);
            if (outcome === "accepted") accepted += 1;
            else denied += 1;
            assert.equal(await reaches(call), outcome === "accepted", JSON.stringify({ call, outcome }));
          }
        } finally {
          await envoy.stop();
        }
      }),
      { numRuns: 12, endOnFailure: true },
    );
    assert.ok(accepted > 20 && denied > 20, `${accepted} accepted, ${denied} denied`);
  });
});
