// Envoy itself accepts every golden output.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { resolveEnvoy } from "../../src/agent/envoy/resolve-envoy.ts";
import { runCommand } from "../../src/kernel/command.ts";
import { type GoldenType, goldenCases, readCase } from "../../src/translate/golden-case.fake.ts";

type Json = Record<string, unknown>;

describe("the real Envoy loads every golden output", () => {
  const folder = mkdtempSync(join(tmpdir(), "lateen-golden-"));
  let envoy = "";

  before(async () => {
    envoy = (await resolveEnvoy({ env: process.env, log: (line) => console.error(line) })).path;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const name of goldenCases()) {
    it(name, async () => {
      const path = join(folder, `${name}.json`);
      // The test reads Envoy through sockets, which cannot be opened as /dev/stdout.
      writeFileSync(path, JSON.stringify(bootstrapOf(name)).replaceAll("/dev/stdout", "/dev/null"));
      const args = ["--mode", "validate", "--config-path", path, "--use-dynamic-base-id", "--log-level", "warning"];
      const { stdout } = await runCommand(envoy, args);
      assert.match(stdout, /OK$/m);
    });
  }
});

/** The outputs as static configuration: route configurations inline, so that they are read too. */
function bootstrapOf(name: string): Json {
  const read = (type: GoldenType): Json[] => (parse(readCase(name).golden(type) ?? "[]") ?? []) as Json[];
  const assignments = new Map(read("endpoints").map((assignment) => [assignment["cluster_name"], assignment]));
  const routes = new Map(read("routes").map((route) => [route["name"], route]));
  const clusters = read("clusters").map((cluster) => {
    if (cluster["type"] !== "EDS") return cluster;
    const { eds_cluster_config: _, ...rest } = cluster;
    const loadAssignment = assignments.get(cluster["name"]);
    assert.ok(loadAssignment, `${String(cluster["name"])} has no load assignment`);
    return { ...rest, type: "STATIC", load_assignment: loadAssignment };
  });
  const listeners = read("listeners");
  for (const listener of listeners) {
    const chains = [
      ...((listener["filter_chains"] as Json[]) ?? []),
      listener["default_filter_chain"] as Json | undefined,
    ];
    for (const filter of chains.flatMap((chain) => (chain?.["filters"] as Json[]) ?? [])) {
      const config = filter["typed_config"] as Json;
      const rds = config["rds"] as Json | undefined;
      if (rds === undefined) continue;
      const route = routes.get(rds["route_config_name"]);
      assert.ok(route, `${String(listener["name"])} names a route configuration that is not there`);
      delete config["rds"];
      config["route_config"] = route;
    }
  }
  return {
    node: { id: "golden", cluster: "golden" },
    static_resources: { clusters: [...clusters, sdsCluster], listeners },
  };
}

const sdsCluster = {
  name: "sds-grpc",
  type: "STATIC",
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
  load_assignment: {
    cluster_name: "sds-grpc",
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: "/run/lateen/socket" } } } }] }],
  },
};
