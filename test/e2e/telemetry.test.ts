// What operators measure: Istio's metrics with Istio's labels on both sides, access logs, readiness.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually, present } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const host = "echo.shop.svc.cluster.local";

/** Istio's labels of every metric of requests and connections. */
const workloadLabels = ["workload", "workload_namespace", "canonical_service", "canonical_revision", "app", "version"];
const bothSides = [...workloadLabels, "cluster", "principal"];
const commonLabels = [
  "reporter",
  ...bothSides.map((label) => `source_${label}`),
  ...bothSides.map((label) => `destination_${label}`),
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "connection_security_policy",
  "request_protocol",
  "response_flags",
];
const requestLabels = [...commonLabels, "response_code", "grpc_response_status"].sort();

interface Series {
  labels: Record<string, string>;
  value: number;
}

describe("telemetry", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let echo: Machine;

  before(async () => {
    mesh = await Mesh.start({
      meshConfig: "accessLogFile: /dev/stdout\n",
      objects: workloadGroup("front") + workloadGroup("echo") + meshService("echo") + peerAuthentication("STRICT"),
    });
    echo = await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
    const { statuses } = await front.call({ url: `http://${host}/measured`, count: 7 });
    assert.deepEqual(statuses, { 200: 7 });
    assert.equal(await front.status(`tcp://${host}:9000`), 200);
  });
  after(() => mesh?.stop());

  /** The series of a metric as Prometheus reads them on a port of the machine. */
  async function series(machine: Machine, port: number, name: string): Promise<Series[]> {
    const page = await machine.page(port, "/stats/prometheus");
    return page
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`))
      .map((line) => ({
        labels: Object.fromEntries(
          [...line.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
        ),
        value: Number(line.slice(line.lastIndexOf(" ") + 1)),
      }));
  }

  const parties = {
    source_workload: "front",
    source_workload_namespace: "shop",
    source_canonical_service: "front",
    source_canonical_revision: "v1",
    source_app: "front",
    source_version: "v1",
    source_cluster: "Kubernetes",
    source_principal: "spiffe://cluster.local/ns/shop/sa/front",
    destination_workload: "echo",
    destination_workload_namespace: "shop",
    destination_canonical_service: "echo",
    destination_canonical_revision: "v1",
    destination_app: "echo",
    destination_version: "v1",
    destination_cluster: "Kubernetes",
    destination_principal: "spiffe://cluster.local/ns/shop/sa/echo",
    destination_service: host,
    destination_service_name: "echo",
    destination_service_namespace: "shop",
    response_flags: "-",
  };

  for (const port of [15020, 15090]) {
    it(`both sides count requests with exactly Istio's labels, on ${port}`, async () => {
      for (const [machine, reporter, security] of [
        [front, "source", "unknown"],
        [echo, "destination", "mutual_tls"],
      ] as const) {
        await eventually(async () => {
          const [only, ...more] = await series(machine, port, "istio_requests_total");
          assert.deepEqual(more, []);
          const { labels, value } = present(only, "istio_requests_total");
          assert.equal(value, 7);
          assert.deepEqual(Object.keys(labels).sort(), requestLabels);
          const rest = { request_protocol: "http", response_code: "200", grpc_response_status: "" };
          assert.deepEqual(labels, { ...parties, ...rest, reporter, connection_security_policy: security });
        });
      }
    });
  }

  it("histograms of duration and sizes have Istio's names, and count every request", async () => {
    for (const machine of [front, echo]) {
      for (const name of ["istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"]) {
        await eventually(
          async () => {
            const [count] = await series(machine, 15020, `${name}_count`);
            assert.equal(count?.value, 7, name);
            assert.deepEqual(Object.keys(present(count, name).labels).sort(), requestLabels);
          },
          // Envoy merges histograms every 5 s.
          { everyMs: 200, withinMs: 8000 },
        );
      }
    }
  });

  it("TCP connections and bytes are counted on both sides", async () => {
    for (const [machine, reporter] of [
      [front, "source"],
      [echo, "destination"],
    ] as const) {
      for (const [name, wanted] of [
        ["istio_tcp_connections_opened_total", 1],
        ["istio_tcp_connections_closed_total", 1],
        ["istio_tcp_received_bytes_total", "hello".length],
        ["istio_tcp_sent_bytes_total", "echo-1 hello".length],
      ] as const) {
        await eventually(async () => {
          const found = await series(machine, 15020, name);
          const [only] = found.filter(({ labels }) => labels["destination_service"] === host);
          const { labels, value } = present(only, `${name} of ${machine.host.name}`);
          assert.equal(value, wanted, name);
          assert.deepEqual(Object.keys(labels).sort(), [...commonLabels].sort());
          assert.equal(labels["reporter"], reporter);
          assert.equal(labels["request_protocol"], "tcp");
          assert.equal(labels["source_principal"], parties.source_principal);
          assert.equal(labels["destination_principal"], parties.destination_principal);
        });
      }
    }
  });

  it("refused requests are counted with their code", async () => {
    await front.call({ url: `http://${host}/status/503`, count: 1 });
    await eventually(async () => {
      const found = await series(echo, 15020, "istio_requests_total");
      assert.ok(found.some(({ labels }) => labels["response_code"] === "503"));
    });
  });

  it("each request is a line of Istio's access log in the agent's output, on both sides", async () => {
    const client = await front.agentProgram.line(/"GET \/measured HTTP\/1\.1" 200/);
    const server = await echo.agentProgram.line(/"GET \/measured HTTP\/1\.1" 200/);
    const start = /^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "GET \/measured HTTP\/1\.1" 200 - via_upstream - "-" \d+ \d+ \d+ \d+ /;
    for (const line of [client, server]) assert.match(line, start);
    assert.match(client, new RegExp(`"${host}" "${echo.host.address}:8080" outbound\\|80\\|\\|${host} `));
    assert.match(server, /inbound\|8080\|\| .*outbound_\.80_\._\.echo\.shop\.svc\.cluster\.local default$/);
  });

  it("each TCP connection is one line of it, when it ends", async () => {
    for (const [machine, cluster] of [
      [front, `outbound|9000||${host}`],
      [echo, "inbound|9000||"],
    ] as const) {
      const isOf = (line: string) => line.includes(` ${cluster} `) && line.includes('"- - -"');
      const first = await machine.agentProgram.line(new RegExp(`"- - -" .* ${cluster.replaceAll("|", "\\|")} `));
      assert.match(first, / "-" 5 12 \d+ - /, "bytes received and sent");
      assert.equal(machine.agentProgram.lines.filter(isOf).length, 1);
    }
  });

  it("tells nobody outside the mesh which workload calls", async () => {
    const outside = await mesh.addMachine("outside");
    await outside.startRootEcho("outside", 80);
    const entry = (name: string, resolution: string) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}.example.com]
  addresses: [${outside.host.address}]
  location: MESH_EXTERNAL
  resolution: ${resolution}
  ports: [{number: 80, name: http, protocol: HTTP}]
  ${resolution === "STATIC" ? `endpoints: [{address: ${outside.host.address}}]` : ""}
---
`;
    await mesh.control.apply(entry("static", "STATIC") + entry("none", "NONE"));
    const reached = async (name: string) => {
      const { status, body } = await front.one(`http://${outside.host.address}/`, { headers: { host: name } });
      assert.equal(status, 200, name);
      return (JSON.parse(body) as { headers: Record<string, string> }).headers;
    };
    for (const [name, cluster] of [
      ["static.example.com", "outbound|80||static.example.com"],
      ["none.example.com", "outbound|80||none.example.com"],
      ["unknown.example", "PassthroughCluster"],
    ] as const) {
      await eventually(async () => {
        const headers = await reached(name);
        const [, calls = "0"] =
          new RegExp(`^${cluster.replaceAll("|", "\\|")}::.*::rq_success::(\\d+)$`, "m").exec(
            await front.page(15000, "/clusters"),
          ) ?? [];
        assert.ok(Number(calls) > 0, `${cluster} was called`);
        const named = Object.keys(headers).filter((header) => header.startsWith("x-lateen"));
        assert.deepEqual(named, [], name);
      });
    }
  });

  it("says that it is ready on 15021 and 15020", async () => {
    for (const port of [15021, 15020]) {
      const url = `http://${front.host.address}:${port}/healthz/ready`;
      assert.equal(await echo.status(url), 200, `${port}`);
    }
  });

  it("nothing that it was sent was rejected", () => mesh.assertNothingRejected());
});
