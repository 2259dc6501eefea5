// A thousand services: every proxy gets all of them once, whole, and after that only what changed.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { resolveEnvoy } from "../../src/agent/envoy/resolve-envoy.ts";
import { ControlPlaneRun, lateenPath } from "../kit/control-plane-run.ts";
import { hostOf, thousandServices as mesh, moveEndpoint, writeMesh, writeRouting } from "../kit/large-mesh.ts";
import { MeshClient } from "../kit/mesh-client.ts";
import { type Host, Network } from "../kit/network.ts";

const clusterOf = (index: number, subset = ""): string => `outbound|8080|${subset}|${hostOf(index)}`;

const rootOnly = process.getuid?.() === 0 ? {} : { skip: "needs root" };

describe("a mesh of 1,000 services, 100 of them routed by weight", () => {
  const control = new ControlPlaneRun();
  const client = new MeshClient();

  before(async () => {
    writeMesh(control.configDir, mesh);
    await control.up();
    client.connect(control.addresses.plaintext);
    await client.complete();
  });
  after(async () => {
    await client.close();
    await control.stop();
  });

  it("reaches a proxy whole: each cluster with its endpoints, each subset with its share", () => {
    const names = client.edsNames();
    const expected: string[] = [];
    for (let index = 0; index < mesh.services; index++) {
      expected.push(clusterOf(index));
      if (index < mesh.routed) expected.push(clusterOf(index, "v1"), clusterOf(index, "v2"));
    }
    assert.deepEqual(names.sort(), expected.sort());
    for (const name of expected) {
      const held = client.held.endpoint.get(name);
      assert.ok(held !== undefined, `${name} has no load assignment`);
      const count = endpointsOf(held.value).length;
      assert.equal(count, /\|v[12]\|/.test(name) ? mesh.endpoints / 2 : mesh.endpoints, name);
    }
  });

  it("routes every service, the routed ones by weight", () => {
    const route = client.held.route.get("8080");
    assert.ok(route !== undefined, `routes: ${[...client.held.route.keys()].join(" ")}`);
    const hosts = new Map<string, number[]>();
    for (const { domains, routes } of fromBinary(RouteConfigurationSchema, route.value).virtualHosts) {
      const action = routes[0]?.action;
      const specifier = action?.case === "route" ? action.value.clusterSpecifier : undefined;
      const weighted = specifier?.case === "weightedClusters" ? specifier.value.clusters : [];
      const weights = weighted.map(({ weight }) => Number(weight));
      for (const domain of domains) hosts.set(domain, weights);
    }
    for (let index = 0; index < mesh.services; index++) {
      assert.deepEqual(hosts.get(hostOf(index)), index < mesh.routed ? [90, 10] : [], hostOf(index));
    }
  });

  it("was sent each resource once", () => {
    const { resources } = client;
    assert.equal(resources.length, new Set(resources).size);
  });

  it("a changed endpoint sends its load assignments and nothing else", async () => {
    const before = client.resources.length;
    moveEndpoint(control.configDir, mesh, 500, "10.9.9.9");
    await client.until(() => client.resources.length > before);
    await settled();
    assert.deepEqual(client.resources.slice(before), [`endpoint ${clusterOf(500)}`, settling]);
    assert.ok(endpointsOf(client.held.endpoint.get(clusterOf(500))?.value).includes("10.9.9.9"));
  });

  it("a changed weight sends its route configuration and nothing else", async () => {
    const before = client.resources.length;
    writeRouting(control.configDir, 7, 50);
    await client.until(() => client.resources.length > before);
    await settled();
    assert.deepEqual(client.resources.slice(before), ["route 8080", settling]);
  });

  it("a proxy that comes back is sent nothing again", async () => {
    await client.close();
    client.connect(control.addresses.plaintext);
    await settled();
    assert.deepEqual(client.resources, [settling]);
  });

  it("nor when the control plane was restarted on the same data", async () => {
    await client.close();
    await control.down();
    await control.up();
    client.connect(control.addresses.plaintext);
    await settled();
    assert.deepEqual(client.resources, [settling]);
  });

  let moves = 0;
  /** The resource by which `settled` is seen. */
  const settling = `endpoint ${clusterOf(999)}`;

  /** Changes an endpoint of the last service, and waits until it has come: what went before would have come, too. */
  async function settled(): Promise<void> {
    await client.complete();
    const address = `10.9.8.${++moves}`;
    const name = clusterOf(999);
    moveEndpoint(control.configDir, mesh, 999, address);
    await client.until(() => endpointsOf(client.held.endpoint.get(name)?.value).includes(address));
  }
});

describe("the real Envoy on the same mesh", rootOnly, () => {
  let network: Network;
  let control: ControlPlaneRun;
  let host: Host;

  before(async () => {
    const envoy = await resolveEnvoy({ env: process.env, log: (line) => console.error(line) });
    network = await Network.create();
    // Both in one namespace: plaintext xDS stays on loopback, and Envoy's fixed ports are free.
    host = await network.addHost("scale", 2);
    control = new ControlPlaneRun(host.start);
    writeMesh(control.configDir, mesh);
    // Without an agent nobody gives this Envoy a certificate, and a listener that needs one waits for it (as Istio's).
    writeFileSync(join(control.configDir, "no-mtls.yaml"), withoutCertificates);
    await control.up();
    const path = join(host.folder, "bootstrap.json");
    writeFileSync(path, JSON.stringify(bootstrap(Number(new URL(control.addresses.plaintext).port))));
    host.start(envoy.path, ["--config-path", path, "--disable-hot-restart", "--log-level", "warning"]);
  });
  after(async () => {
    await control.stop();
    await network.stop();
  });

  it("is live with all clusters active, and has rejected nothing", async () => {
    const stats = await inside<Record<string, number>>(waitAndReadStats);
    assert.equal(stats["server.live"], 1);
    // And the one of the bootstrap, and those that every proxy has.
    assert.ok((stats["cluster_manager.active_clusters"] ?? 0) > mesh.services + 2 * mesh.routed);
    assert.equal(stats["cluster_manager.warming_clusters"], 0);
    const rejected = Object.entries(stats).filter(([name, count]) => name.endsWith("update_rejected") && count > 0);
    assert.deepEqual(rejected, []);
    assert.ok((stats["cluster_manager.cds.update_success"] ?? 0) > 0);
    assert.ok((stats["listener_manager.lds.update_success"] ?? 0) > 0);
    const routes = Object.entries(stats).filter(([name]) => /rds\.8080\.update_success$/.test(name));
    assert.ok(routes.length > 0 && routes.every(([, count]) => count > 0), Object.keys(stats).join(" "));
  });

  it("is shown as in sync to the operator", async () => {
    const args = ["proxy-status", "-o", "json", "--kubeconfig", control.kubeconfig];
    const [proxy] = JSON.parse((await host.run(lateenPath, args)).stdout) as {
      types: Record<string, { state: string }>;
    }[];
    const states = Object.entries(proxy?.types ?? {}).map(([type, { state }]) => `${type} ${state}`);
    for (const type of ["CDS", "EDS", "LDS", "RDS"]) assert.ok(states.includes(`${type} SYNCED`), states.join(", "));
  });

  async function inside<T>(script: string): Promise<T> {
    const { stdout } = await host.run(process.execPath, ["--input-type=module", "-e", script]);
    return JSON.parse(stdout) as T;
  }
});

const withoutCertificates = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: DISABLE}}
`;

/** Asks every 100 ms, because Envoy has no event for it; the runner's own limit ends it. */
const waitAndReadStats = `
const read = async (path) => (await fetch("http://127.0.0.1:15000" + path)).text();
while ((await read("/ready").catch(() => "")).trim() !== "LIVE") await new Promise((next) => setTimeout(next, 100));
const { stats } = JSON.parse(await read("/stats?format=json"));
const wanted = /^server\\.live$|^cluster_manager\\.|^listener_manager\\.|update_rejected$|^http\\..*\\.rds\\./;
const found = stats.filter(({ name }) => wanted.test(name ?? ""));
process.stdout.write(JSON.stringify(Object.fromEntries(found.map(({ name, value }) => [name, value]))));
`;

/** What any user of Envoy would write to be given everything by ADS. */
function bootstrap(port: number): unknown {
  const overAds = { ads: {}, resource_api_version: "V3" };
  return {
    node: {
      id: "sidecar~198.18.0.2~vm-1.shop~shop.svc.cluster.local",
      cluster: "vm-1.shop",
      metadata: { NAMESPACE: "shop", ISTIO_VERSION: "1.27.0", INSTANCE_IPS: "198.18.0.2" },
    },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 15000 } } },
    dynamic_resources: {
      cds_config: overAds,
      lds_config: overAds,
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
    },
    static_resources: {
      clusters: [
        {
          name: "xds-grpc",
          type: "STATIC",
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "xds-grpc",
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } },
                ],
              },
            ],
          },
        },
      ],
    },
  };
}

function endpointsOf(value: Uint8Array | undefined): string[] {
  if (value === undefined) return [];
  return fromBinary(ClusterLoadAssignmentSchema, value).endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map(({ hostIdentifier }) => {
      const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
      return address?.case === "socketAddress" ? address.value.address : "";
    }),
  );
}
