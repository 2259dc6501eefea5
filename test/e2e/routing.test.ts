// Where requests go: what a VirtualService and a DestinationRule say, while requests keep coming.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

const host = "echo.shop.svc.cluster.local";
const url = `http://${host}`;
/** A watchdog below the 15 s for which Envoy keeps a cluster warming whose endpoints do not come. */
const warmingTrapMs = 5000;

const toVersion = (version: string): string => `{destination: {host: ${host}, subset: ${version}}}`;

function virtualService(http: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: shop}
spec:
  hosts: [${host}]
  http:
${http
  .trim()
  .split("\n")
  .map((line) => `  ${line}`)
  .join("\n")}
---
`;
}

function destinationRule(trafficPolicy: string | undefined, subsets = ["v1", "v2"]): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo, namespace: shop}
spec:
  host: ${host}
${trafficPolicy === undefined ? "" : `  trafficPolicy: ${trafficPolicy}\n`}  subsets:
${subsets.map((version) => `  - {name: ${version}, labels: {version: ${version}}}`).join("\n")}
---
`;
}

/** Services on the port of the one that is changed; together about a hundred times what one may cost. */
const neighbours = 300;

function otherServices(count: number): string {
  return Array.from(
    { length: count },
    (_, index) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: neighbour-${index}, namespace: shop}
spec:
  hosts: [neighbour-${index}.shop.svc.cluster.local]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 10.77.${index >> 8}.${index & 255}}]
---
`,
  ).join("");
}

interface RouteStatus {
  name: string;
  types: { RDS?: { state: string; resources: number } };
}

describe("routing", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;
  let v1: Machine;
  let v2: Machine;

  before(async () => {
    const groups =
      workloadGroup("front") +
      workloadGroup("echo-v1", { app: "echo", version: "v1" }) +
      workloadGroup("echo-v2", { app: "echo", version: "v2" });
    mesh = await Mesh.start({
      objects: groups + meshService("echo") + peerAuthentication("STRICT") + destinationRule(undefined),
    });
    v1 = await mesh.join("v1", "shop/echo-v1", { echo: true });
    v2 = await mesh.join("v2", "shop/echo-v2", { echo: true });
    front = await mesh.join("front", "shop/front");
  });
  after(() => mesh?.stop());

  const namesOf = async (path: string, headers: Record<string, string> = {}, count = 10): Promise<string[]> =>
    Object.keys((await front.call({ url: `${url}${path}`, headers, count })).names).sort();

  it("sends each version its weight, with no request lost while weights shift", async () => {
    const load = front.load({ url: `${url}/` });
    for (const share of [10, 50, 90]) {
      await mesh.control.apply(
        virtualService(`
- route:
  - {destination: {host: ${host}, subset: v1}, weight: ${100 - share}}
  - {destination: {host: ${host}, subset: v2}, weight: ${share}}`),
      );
      const deviation = 5 * Math.sqrt((share * (100 - share)) / 10_000 / 400);
      await eventually(async () => {
        const { names, statuses } = await front.call({ url: `${url}/`, count: 400 });
        assert.deepEqual(statuses, { 200: 400 });
        const measured = (names["v2"] ?? 0) / 400;
        assert.ok(Math.abs(measured - share / 100) < deviation, `${measured} instead of ${share} %`);
      });
    }
    assert.deepEqual(Object.keys((await load.stop()).statuses), ["200"]);
  });

  it("matches headers, methods, and paths by prefix, exact value and expression", async () => {
    await mesh.control.apply(
      virtualService(`
- match: [{headers: {x-user: {exact: tester}}}, {uri: {prefix: /new/}}, {uri: {exact: /one}}, {uri: {regex: "/v[0-9]+/.*"}}, {method: {exact: POST}}]
  route: [${toVersion("v2")}]
- route: [${toVersion("v1")}]`),
    );
    await eventually(async () => assert.deepEqual(await namesOf("/"), ["v1"]));
    for (const path of ["/new/x", "/one", "/v12/x"]) assert.deepEqual(await namesOf(path), ["v2"], path);
    for (const path of ["/newer", "/one/more", "/vx/x"]) assert.deepEqual(await namesOf(path), ["v1"], path);
    assert.deepEqual(await namesOf("/", { "x-user": "tester" }), ["v2"]);
    const posted = await front.one(`${url}/`, { method: "POST" });
    assert.match(posted.body, /"name":"v2"/);
  });

  it("gives up after the timeout with 504", async () => {
    await mesh.control.apply(virtualService(`\n- timeout: 0.3s\n  route: [${toVersion("v1")}]`));
    await eventually(async () => assert.equal(await front.status(`${url}/wait/800`), 504));
    assert.equal(await front.status(`${url}/wait/10`), 200);
  });

  it("tries again what failed, so that callers do not see it", async () => {
    await mesh.control.apply(virtualService(`\n- retries: {attempts: 0}\n  route: [${toVersion("v1")}]`));
    await eventually(async () => {
      const { statuses } = await front.call({ url: `${url}/flaky`, count: 10 });
      assert.deepEqual(statuses, { 200: 5, 503: 5 });
    });
    await mesh.control.apply(virtualService(`\n- retries: {attempts: 2, retryOn: 5xx}\n  route: [${toVersion("v1")}]`));
    await eventually(async () => {
      const { statuses } = await front.call({ url: `${url}/flaky`, count: 20 });
      assert.deepEqual(statuses, { 200: 20 });
    });
  });

  it("injects faults: aborts and delays", async () => {
    await mesh.control.apply(
      virtualService(`
- match: [{uri: {prefix: /abort}}]
  fault: {abort: {httpStatus: 418, percentage: {value: 100}}}
  route: [${toVersion("v1")}]
- match: [{uri: {prefix: /delay}}]
  fault: {delay: {fixedDelay: 0.5s, percentage: {value: 100}}}
  route: [${toVersion("v1")}]
- route: [${toVersion("v1")}]`),
    );
    await eventually(async () => assert.equal(await front.status(`${url}/abort`), 418));
    const delayed = await front.one(`${url}/delay`);
    assert.equal(delayed.status, 200);
    assert.ok(delayed.tookMs >= 490, `only ${delayed.tookMs} ms`);
  });

  it("redirects, rewrites and answers by itself", async () => {
    await mesh.control.apply(
      virtualService(`
- match: [{uri: {exact: /old}}]
  redirect: {uri: /new, authority: other.example, redirectCode: 308}
- match: [{uri: {prefix: /api/}}]
  rewrite: {uri: /, authority: inner.example}
  route: [${toVersion("v1")}]
- match: [{uri: {exact: /teapot}}]
  directResponse: {status: 418, body: {string: "short and stout"}}
- headers: {request: {set: {x-set: "yes"}, remove: [x-gone]}, response: {add: {x-answer: "42"}}}
  route: [${toVersion("v1")}]`),
    );
    const teapot = await eventually(async () => {
      const answer = await front.one(`${url}/teapot`);
      assert.equal(answer.status, 418);
      return answer;
    });
    assert.equal(teapot.body, "short and stout");
    const moved = await front.one(`${url}/old`);
    assert.deepEqual([moved.status, moved.headers["location"]], [308, "http://other.example/new"]);
    const rewritten = JSON.parse((await front.one(`${url}/api/users`)).body) as {
      url: string;
      headers: { host: string };
    };
    assert.deepEqual([rewritten.url, rewritten.headers.host], ["/users", "inner.example"]);
    const changed = await front.one(`${url}/`, { headers: { "x-gone": "1" } });
    assert.equal(changed.headers["x-answer"], "42");
    assert.match(changed.body, /"x-set":"yes"/);
    assert.doesNotMatch(changed.body, /x-gone/);
  });

  it("mirrors requests to another version, whose answers nobody sees", async () => {
    await mesh.control.apply(
      virtualService(`
- route: [${toVersion("v1")}]
  mirror: {host: ${host}, subset: v2}
  mirrorPercentage: {value: 100}`),
    );
    await eventually(async () => {
      const { names } = await front.call({ url: `${url}/mirrored`, count: 5 });
      assert.deepEqual(names, { v1: 5 });
      assert.ok(v2.echo.lines.some((line) => line.startsWith("GET /mirrored ")));
    });
    assert.match(await v2.echo.line(/^GET \/mirrored/), /-shadow/);
  });

  it("a destination rule changes while requests go on, and none of them fails or waits for the cluster to warm", async () => {
    await mesh.control.apply(virtualService(`\n- route: [${toVersion("v1")}]`));
    await eventually(async () => assert.deepEqual(await namesOf("/"), ["v1"]));
    const load = front.load({ url: `${url}/` });
    const pools = [11, 12].map((max) => `{connectionPool: {tcp: {maxConnections: ${max}}}}`);
    const policies = [...pools, "{tls: {mode: ISTIO_MUTUAL}}", "{loadBalancer: {simple: RANDOM}}", undefined];
    for (const policy of policies) {
      const before = await clusterVersions(front);
      await mesh.control.apply(destinationRule(policy));
      await eventually(
        async () => {
          const now = await clusterVersions(front);
          assert.deepEqual(now.warming, []);
          assert.notEqual(now.active, before.active, `${policy} has not come`);
        },
        { withinMs: warmingTrapMs },
      );
    }
    await mesh.control.apply(destinationRule(undefined, ["v1", "v2", "canary"]));
    await eventually(async () => assert.match((await clusterVersions(front)).names, /\|canary\|/), {
      withinMs: warmingTrapMs,
    });
    const { statuses } = await load.stop();
    assert.deepEqual(Object.keys(statuses), ["200"], JSON.stringify(statuses));
  });

  it("a TCP port reaches all versions", async () => {
    const seen = new Set<string>();
    await eventually(async () => {
      seen.add((await front.one(`tcp://${host}:9000`)).body);
      assert.deepEqual([...seen].sort(), ["v1 hello", "v2 hello"]);
    });
  });

  it("a service that is not exported to a namespace is not there", async () => {
    const hidden = meshService("hidden", "lobby", "  exportTo: [.]\n").replace("app: hidden", "app: echo");
    await mesh.control.apply(`${hidden}${meshService("open", "lobby")}`);
    await eventually(async () => assert.equal((await front.resolve("open.lobby")).length, 1));
    assert.deepEqual(await front.resolve("hidden.lobby"), []);
    assert.equal(await v1.status("http://hidden.lobby.svc.cluster.local/"), 0);
  });

  it("a changed virtual host travels alone, however many there are beside it, and proxy-status shows its routes", async () => {
    await mesh.control.apply(otherServices(neighbours) + virtualService(`\n- route: [${toVersion("v1")}]`));
    await eventually(async () => {
      const routes = await routeConfiguration(front);
      assert.ok((routes.match(/"neighbour-\d+\.shop\.svc\.cluster\.local"/g) ?? []).length >= neighbours);
      assert.deepEqual(await namesOf("/"), ["v1"]);
      assert.deepEqual(await routeStates(), ["SYNCED", "SYNCED", "SYNCED"]);
    });
    const before = await mesh.control.metric("pilot_xds_config_size_bytes_sum");
    await mesh.control.apply(virtualService(`\n- route: [${toVersion("v2")}]`));
    await eventually(async () => {
      assert.deepEqual(await namesOf("/"), ["v2"]);
      assert.deepEqual(await routeStates(), ["SYNCED", "SYNCED", "SYNCED"]);
    });
    // A page of metrics may be a second old.
    await eventually(async () => {
      const sent = (await mesh.control.metric("pilot_xds_config_size_bytes_sum")) - before;
      assert.ok(sent > 0 && sent < 3 * 10_000, `${sent} bytes for three machines`);
    });
    const field = "spec\\.http\\[0\\]\\.route\\[0\\]\\.destination\\.subset";
    const because = new RegExp(`RDS was last sent .*\n {2}because VirtualService/shop/echo was changed: ${field}\n`);
    const proxies = JSON.parse(await mesh.control.lateen("proxy-status", "-o", "json")) as RouteStatus[];
    assert.equal(proxies.length, 3);
    for (const { name } of proxies) assert.match(await mesh.control.lateen("proxy-status", name), because);
  });

  const routeStates = async (): Promise<(string | undefined)[]> => {
    const proxies = JSON.parse(await mesh.control.lateen("proxy-status", "-o", "json")) as RouteStatus[];
    return proxies.map(({ types: { RDS } }) => ((RDS?.resources ?? 0) > neighbours ? RDS?.state : "too few"));
  };

  it("nothing that it was sent was rejected", () => mesh.assertNothingRejected());
});

describe("traffic to hosts that no object names", rootOnly, () => {
  for (const mode of ["ALLOW_ANY", "REGISTRY_ONLY"] as const) {
    it(`${mode} ${mode === "ALLOW_ANY" ? "lets it out" : "stops it"}`, async () => {
      const mesh = await Mesh.start({
        meshConfig: `outboundTrafficPolicy: {mode: ${mode}}\n`,
        objects: workloadGroup("front") + meshService("front"),
      });
      try {
        const outsider = await mesh.addMachine("outsider");
        await outsider.startRootEcho("outsider", 80);
        const front = await mesh.join("front", "shop/front");
        const allowed = mode === "ALLOW_ANY";
        const { address } = outsider.host;
        assert.equal(await front.status(`http://${address}/`), allowed ? 200 : 502);
        assert.equal(await front.status(`tcp://${address}:10080`), allowed ? 200 : 0);
        await mesh.assertNothingRejected();
      } finally {
        await mesh.stop();
      }
    });
  }
});

interface ConfigDump {
  configs: {
    "@type": string;
    dynamic_active_clusters?: { version_info: string; cluster: { name: string } }[];
    dynamic_warming_clusters?: { cluster: { name: string } }[];
  }[];
}

/** Text of the routes that Envoy uses. */
function routeConfiguration(machine: Machine): Promise<string> {
  return machine.page(15000, "/config_dump?resource=dynamic_route_configs");
}

/** The clusters of the service as Envoy uses them: the versions of the active ones, the names of the warming ones. */
async function clusterVersions(machine: Machine): Promise<{ names: string; active: string; warming: string[] }> {
  const dump = JSON.parse(await machine.page(15000, "/config_dump")) as ConfigDump;
  const clusters = dump.configs.find((config) => config["@type"].endsWith("ClustersConfigDump"));
  const active = (clusters?.dynamic_active_clusters ?? []).filter(({ cluster }) => cluster.name.includes(host));
  return {
    names: active.map(({ cluster }) => cluster.name).join(" "),
    active: JSON.stringify(active),
    warming: (clusters?.dynamic_warming_clusters ?? []).map(({ cluster }) => cluster.name),
  };
}
