// Envoy itself accepts every golden output.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { resolveEnvoy } from "../../src/agent/envoy/resolve-envoy.ts";
import { authorityBed } from "../../src/ca/authority.fake.ts";
import { createCertificateRequest } from "../../src/identity/certificate-request.ts";
import { ecSigner } from "../../src/identity/signer.fake.ts";
import { workloadSpiffeId } from "../../src/identity/spiffe-id.ts";
import { runCommand } from "../../src/kernel/command.ts";
import { type GoldenType, goldenCases, readCase } from "../../src/translate/golden-case.fake.ts";

type Json = Record<string, unknown>;

const folder = mkdtempSync(join(tmpdir(), "lateen-golden-"));
const bed = authorityBed();

describe("the real Envoy loads every golden output", () => {
  let envoy = "";

  before(async () => {
    envoy = (await resolveEnvoy({ env: process.env, log: (line) => console.error(line) })).path;
    // Envoy reads the files that TLS origination names.
    const authority = await bed.open();
    const signer = ecSigner();
    const id = workloadSpiffeId(authority.trustDomain, "shop", "front");
    const { chain } = await authority.signWorkload(await createCertificateRequest(signer), id);
    writeFileSync(join(folder, "ca.pem"), authority.roots());
    writeFileSync(join(folder, "cert.pem"), chain.join(""));
    writeFileSync(join(folder, "key.pem"), signer.privateKey.export({ type: "pkcs8", format: "pem" }));
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await bed.dispose();
  });

  for (const name of goldenCases()) {
    it(name, async () => {
      const path = join(folder, `${name}.json`);
      writeFileSync(path, configOf(name));
      const args = ["--mode", "validate", "--config-path", path, "--use-dynamic-base-id", "--log-level", "warning"];
      const { stdout } = await runCommand(envoy, args);
      assert.match(stdout, /OK$/m);
    });
  }
});

/** Paths of the machine are those of the test, which reads Envoy through sockets: they cannot be opened as /dev/stdout. */
function configOf(name: string): string {
  return JSON.stringify(bootstrapOf(name))
    .replaceAll("/dev/stdout", "/dev/null")
    .replaceAll("/etc/lateen", folder)
    .replaceAll("/etc/ssl/certs/ca-certificates.crt", join(folder, "ca.pem"));
}

/** The outputs as static configuration: route configurations inline, so that they are read too. */
function bootstrapOf(name: string): Json {
  const read = (type: GoldenType): Json[] =>
    (parse(readCase(name).golden(type) ?? "[]", { maxAliasCount: -1 }) ?? []) as Json[];
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
