// Envoy itself accepts every golden output, and what random meshes give.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { readinessListener } from "../../src/agent/bootstrap/readiness-listener.ts";
import { loopbackCluster } from "../../src/agent/bootstrap/static-cluster.ts";
import { resolveEnvoy } from "../../src/agent/envoy/resolve-envoy.ts";
import { authorityBed } from "../../src/ca/authority.fake.ts";
import { kindByName } from "../../src/config/kinds.ts";
import type { Config } from "../../src/config/object.ts";
import { validateObject } from "../../src/config/validate.ts";
import { createCertificateRequest } from "../../src/identity/certificate-request.ts";
import { ecSigner } from "../../src/identity/signer.fake.ts";
import { workloadSpiffeId } from "../../src/identity/spiffe-id.ts";
import { runCommand } from "../../src/kernel/command.ts";
import { defaultMeshSettings } from "../../src/model/mesh-settings.ts";
import {
  everyMessage,
  type GoldenType,
  goldenCases,
  readCase,
  resourcesAsJson,
} from "../../src/translate/golden-case.fake.ts";
import { MeshRig, type RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import { randomConfig } from "../../src/translate/random-mesh.fake.ts";

type Json = Record<string, unknown>;

const folder = mkdtempSync(join(tmpdir(), "lateen-golden-"));
const bed = authorityBed();

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

/** @throws LateenError LAT4001 with Envoy's words */
async function validate(outputs: Outputs): Promise<void> {
  const path = join(folder, "envoy.json");
  writeFileSync(path, configOf(outputs));
  const args = ["--mode", "validate", "--config-path", path, "--disable-hot-restart", "--log-level", "warning"];
  const { stdout } = await runCommand(envoy, args);
  assert.match(stdout, /OK$/m);
}

describe("the real Envoy loads", () => {
  for (const name of goldenCases()) {
    it(`the golden outputs of ${name}`, async () => {
      const { golden } = readCase(name);
      await validate((type) => (parse(golden(type) ?? "[]", { maxAliasCount: -1 }) ?? []) as Json[]);
    });
  }

  it("what random meshes give to machines with IPv6 addresses, which see the most", async () => {
    const registry = await everyMessage();
    const proxy: RigProxy = {
      name: "web-1",
      namespace: "shop",
      ip: "2001:db8::1",
      labels: { app: "web", version: "v1" },
    };
    await fc.assert(
      fc.asyncProperty(fc.array(randomConfig, { minLength: 15, maxLength: 30 }), async (configs) => {
        const rig = new MeshRig(defaultMeshSettings);
        rig.graph.batch(() => {
          for (const config of configs) if (isValid(config)) rig.put(config);
        });
        const view = rig.open(proxy);
        await validate((type) => structuredClone(resourcesAsJson(view, type, registry)) as Json[]);
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });
});

function isValid({ key, meta, spec }: Config): boolean {
  const kind = kindByName(key.kind);
  assert.ok(kind);
  const object = { apiVersion: `${kind.group}/${kind.versions[0]}`, kind: kind.kind, metadata: meta, spec };
  return validateObject(kind, object).every(({ severity }) => severity !== "error");
}

/** The resources of a type, as JSON that may be changed. */
type Outputs = (type: GoldenType) => Json[];

/** Paths of the machine are those of the test, which reads Envoy through sockets: they cannot be opened as /dev/stdout. */
function configOf(outputs: Outputs): string {
  return JSON.stringify(bootstrapOf(outputs))
    .replaceAll("/dev/stdout", "/dev/null")
    .replaceAll("/etc/lateen", folder)
    .replaceAll("/etc/ssl/certs/ca-certificates.crt", join(folder, "ca.pem"));
}

/** The outputs as static configuration: route configurations inline, so that they are read too. */
function bootstrapOf(read: Outputs): Json {
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
    static_resources: {
      clusters: [...clusters, sdsCluster, loopbackCluster("agent", 15020)],
      // Beside what the bootstrap has: two listeners for one address are refused.
      listeners: [readinessListener("0.0.0.0", 15021), ...listeners],
    },
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
