// Whoever makes a mistake in configuration is told where it is and what to do, and no proxy feels it.
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { parse } from "yaml";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { ControlPlaneRun, type Ran, runLateen } from "../kit/control-plane-run.ts";
import { MeshClient } from "../kit/mesh-client.ts";

const reviews = (weights: string, more = ""): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.example]
  http:
    - route:
        - destination: {host: reviews.example}
          weight: ${weights}
        - destination: {host: ratings.example}
          weight: 10
${more}`;

const entry = (name: string, more = ""): string => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}.example]
  ports: [{number: 8080, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
${more}`;

const documents = (...texts: string[]): string => texts.join("---\n");

interface Mistake {
  what: string;
  yaml: string;
  /** All of these are in one line of the output. */
  says: readonly string[];
}

const mistakes: readonly Mistake[] = [
  {
    what: "a wrong type",
    yaml: reviews("heavy"),
    says: ["mesh.yaml:9:", "VirtualService shop/reviews", "spec.http[0].route[0].weight", "type integer"],
  },
  {
    what: "a wrong bound",
    yaml: reviews("-1"),
    says: ["mesh.yaml:9:", "VirtualService shop/reviews", "spec.http[0].route[0].weight"],
  },
  {
    what: "an unknown field",
    yaml: reviews("90", "      retires: {attempts: 2}\n"),
    says: [
      "mesh.yaml:12:",
      "VirtualService shop/reviews",
      "spec.http[0].retires",
      "unknown field",
      "Did you mean retries?",
    ],
  },
  {
    what: "a wrong enum value",
    yaml: entry("reviews").replace("STATIC", "STATIK"),
    says: ["mesh.yaml:7:", "ServiceEntry shop/reviews", "spec.resolution", "STATIC"],
  },
  {
    what: "a port beyond its bound",
    yaml: entry("reviews").replace("8080", "70000"),
    says: ["mesh.yaml:6:", "ServiceEntry shop/reviews", "spec.ports[0].number", "between 1"],
  },
  {
    what: "an unknown kind",
    yaml: reviews("90").replace("VirtualService", "VirtualServce"),
    says: ["mesh.yaml:2:", "VirtualServce shop/reviews", "kind", "Did you mean VirtualService?"],
  },
  {
    what: "a version that is not served",
    yaml: reviews("90").replace("networking.istio.io/v1", "networking.istio.io/v9"),
    says: ["mesh.yaml:1:", "VirtualService shop/reviews", "apiVersion", "Use one of networking.istio.io/v1"],
  },
  {
    what: "a missing field",
    yaml: reviews("90").replace("  hosts: [reviews.example]\n", ""),
    says: ["mesh.yaml:", "VirtualService shop/reviews", "spec.hosts"],
  },
  {
    what: "text that is not YAML",
    yaml: reviews("90").replace("hosts: [", "hosts: [["),
    says: ["mesh.yaml:"],
  },
];

const dangling = documents(entry("reviews"), reviews("90"));

describe("mistakes in configuration", () => {
  const control = new ControlPlaneRun();
  const client = new MeshClient();
  const file = join(control.folder, "mesh.yaml");
  const filed = join(control.configDir, "filed.yaml");
  const good = documents(entry("filed"), reviews("90").replaceAll("reviews", "filed"));

  before(async () => {
    writeFileSync(filed, good);
    await control.up();
    writeFileSync(file, documents(entry("reviews"), entry("ratings"), reviews("90")));
    assertDone(await control.lateen("apply", "-f", file));
    client.connect(control.addresses.plaintext);
    await client.until(() => weights("reviews").join() === "90,10");
    await client.complete();
  });
  after(async () => {
    await client.close();
    await control.stop();
  });

  for (const { what, yaml, says } of mistakes) {
    it(`${what} is refused with its place and a remedy, also without a server`, async () => {
      writeFileSync(file, yaml);
      const offline = await runLateen(["apply", "-f", file, "--dry-run=client", "--kubeconfig", "/nonexistent"]);
      assertRefused(offline, says);
      assertRefused(await control.lateen("apply", "-f", file), says);
      assertRefused(await control.lateen("apply", "-f", file, "--dry-run=server"), says);
      await assertUntouched();
    });

    it(`${what} in a watched folder is logged with its place, and the last good objects stay`, async () => {
      const line = says.map((part) => escaped(part.replace("mesh.yaml", "filed.yaml").replace("reviews", "filed")));
      writeFileSync(
        filed,
        documents(yaml, yaml.includes("VirtualS") ? entry("reviews") : reviews("90")).replaceAll("reviews", "filed"),
      );
      await control.program.line(new RegExp(line.join(".*")));
      await assertUntouched();
      writeFileSync(filed, good);
    });
  }

  it("one wrong object keeps all objects of its command from being sent", async () => {
    writeFileSync(file, documents(entry("good"), reviews("heavy")));
    const { status, stderr } = await control.lateen("apply", "-f", file);
    assert.equal(status, 1);
    assert.match(stderr, /nothing was sent/);
    assert.equal((await control.lateen("get", "se", "good", "-n", "shop")).status, 1);
    await assertUntouched();
  });

  it("a dangling reference is accepted with IST0101 and its place; --strict makes it fail", async () => {
    writeFileSync(file, dangling);
    const says = [
      "mesh.yaml:19:",
      "warning IST0101",
      "VirtualService shop/reviews",
      "spec.http[0].route[1].destination.host",
    ];
    const offline = await runLateen(["apply", "-f", file, "--dry-run=client", "--kubeconfig", "/nonexistent"]);
    assert.equal(offline.status, 0, offline.stderr);
    assertSays(offline, says);
    const strict = await runLateen([
      "apply",
      "-f",
      file,
      "--dry-run=client",
      "--strict",
      "--kubeconfig",
      "/nonexistent",
    ]);
    assertRefused(strict, says);
    // The server has ratings.example: there is nothing to warn about.
    const online = await control.lateen("apply", "-f", file, "--strict");
    assert.equal(online.status, 0, online.stderr);
    await assertUntouched();
  });

  it("a host that two objects claim is accepted with IST0109 and its place, and proxies keep the older one", async () => {
    writeFileSync(file, reviews("50").replace("name: reviews", "name: usurper"));
    const says = ["mesh.yaml:5:", "warning IST0109", "VirtualService shop/usurper", "spec.hosts[0]"];
    assertRefused(await control.lateen("apply", "-f", file, "--strict"), says);
    const taken = await control.lateen("apply", "-f", file);
    assert.equal(taken.status, 0, taken.stderr);
    assertSays(taken, says);
    await assertUntouched();
    assertDone(await control.lateen("delete", "vs", "usurper", "-n", "shop"));
  });

  it("the same in a watched folder is taken, and logged with its code and place", async () => {
    writeFileSync(join(control.configDir, "usurper.yaml"), reviews("50").replace("name: reviews", "name: late"));
    await control.program.line(
      /usurper\.yaml:5: warning IST0109 VirtualService shop\/late spec\.hosts\[0\].* with a warning/,
    );
    await assertUntouched();
    rmSync(join(control.configDir, "usurper.yaml"));
  });

  it("a client of the API is refused with a cause for each field, and warned with the code", async () => {
    const bad = await post(parse(reviews("heavy").replace("name: reviews", "name: other")));
    assert.equal(bad.status, 422);
    const { details } = JSON.parse(bad.body) as { details: { causes: { field: string }[] } };
    assert.deepEqual(
      details.causes.map(({ field }) => field),
      ["spec.http[0].route[0].weight"],
    );
    const unknown = await post(parse(reviews("90", "      retires: {}\n")), "?fieldValidation=Strict");
    assert.equal(unknown.status, 400);
    assert.match(unknown.body, /spec\.http\[0\]\.retires/);
    const taken = await post(parse(reviews("50").replace("name: reviews", "name: usurper")), "?dryRun=All");
    assert.equal(taken.status, 201, taken.body);
    assert.match(taken.warnings, /IST0109 spec\.hosts\[0\]/);
    await assertUntouched();
  });

  /** Brings a change through, and asserts that nothing else changed on the way. */
  let changes = 0;
  async function assertUntouched(): Promise<void> {
    const marker = `marker-${++changes}`;
    writeFileSync(join(control.configDir, "marker.yaml"), entry(marker));
    await client.until(() => client.held.cluster.has(`outbound|8080||${marker}.example`));
    await client.complete();
    for (const name of ["reviews", "filed"]) {
      assert.deepEqual(weights(name), [90, 10], name);
      assert.ok(client.held.cluster.has(`outbound|8080||${name}.example`), `${name} is gone`);
    }
  }

  /** Of the routes to `NAME.example`, as the proxy has them. */
  function weights(name: string): number[] {
    const held = client.held.route.get("8080");
    const hosts = held === undefined ? [] : fromBinary(RouteConfigurationSchema, held.value).virtualHosts;
    const action = hosts.find(({ domains }) => domains.includes(`${name}.example`))?.routes[0]?.action;
    const specifier = action?.case === "route" ? action.value.clusterSpecifier : undefined;
    return specifier?.case === "weightedClusters" ? specifier.value.clusters.map(({ weight }) => Number(weight)) : [];
  }

  async function post(body: unknown, query = ""): Promise<{ status: number; body: string; warnings: string }> {
    const path = `/apis/networking.istio.io/v1/namespaces/shop/virtualservices${query}`;
    return send(control, path, JSON.stringify(body));
  }
});

function send(
  control: ControlPlaneRun,
  path: string,
  body: string,
): Promise<{ status: number; body: string; warnings: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string; warnings: string }>();
  const headers = { "content-type": "application/json" };
  const call = request(`${control.addresses.api}${path}`, { method: "POST", headers, ...control.credentials() });
  call.on("error", reject);
  call.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", () => {
      resolve({ status: response.statusCode ?? 0, body: text, warnings: String(response.headers["warning"] ?? "") });
    });
  });
  call.end(body);
  return promise;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function assertDone({ status, stderr }: Ran): void {
  assert.equal(status, 0, stderr);
}

function assertRefused(ran: Ran, says: readonly string[]): void {
  assert.equal(ran.status, 1, ran.stderr);
  assertSays(ran, says);
}

function assertSays({ stderr }: Ran, says: readonly string[]): void {
  const found = stderr.split("\n").some((line) => says.every((part) => line.includes(part)));
  assert.ok(found, `${says.join(" … ")} is not in:\n${stderr}`);
}
