// describe, explain, token, version.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { FakeApiServer, status } from "../api/api-server.fake.ts";
import { run } from "../run.fake.ts";

let server: FakeApiServer;
before(async () => {
  server = await FakeApiServer.start();
});
after(() => server.stop());
beforeEach(() => {
  server.objects.clear();
  server.requests.length = 0;
  server.route = () => undefined;
});

describe("describe", () => {
  test("one object: metadata, spec, conditions, problems, fields not carried out", async () => {
    server.put({
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: {
        name: "reviews",
        generation: 2,
        labels: { team: "a", tier: "web" },
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
      },
      spec: {
        hosts: ["reviews"],
        http: [{ match: [{ statPrefix: "x" }], route: [{ destination: { host: "reviews" } }] }],
      },
      status: {
        observedGeneration: 2,
        conditions: [
          {
            type: "Reconciled",
            status: "False",
            reason: "Stale",
            message: "1 of 2 proxies",
            lastTransitionTime: "2026-01-01T00:03:00Z",
          },
        ],
        validationMessages: [
          { level: "WARNING", type: { name: "ReferencedResourceNotFound", code: "IST0101" } },
          { level: "ERROR", type: { code: "LAT1003" }, message: "mesh.yaml:9: spec.hosts: must be a list" },
        ],
      },
    });
    const { stdout, status } = await run(["describe", "vs", "reviews"], { server });
    assert.equal(status, 0);
    assert.equal(
      stdout,
      `Name:         reviews
Namespace:    shop
Labels:       team=a
              tier=web
Annotations:  <none>
API Version:  networking.istio.io/v1
Kind:         VirtualService
Created:      2026-01-01T00:00:00Z (5m ago)
Generation:   2
Spec:
  hosts:
  - reviews
  http:
  - match:
    - statPrefix: x
    route:
    - destination:
        host: reviews
Status:
  observedGeneration: 2
Conditions:
  TYPE        STATUS  REASON  AGE  MESSAGE
  Reconciled  False   Stale   2m   1 of 2 proxies
Problems:
  warning IST0101 ReferencedResourceNotFound
  error LAT1003 mesh.yaml:9: spec.hosts: must be a list
Not carried out by proxies yet:
  spec.http[0].match[0].statPrefix
Events:       <none>
`,
    );
  });

  test("all of a kind by name, and none", async () => {
    for (const name of ["b", "a"]) {
      server.put({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    const { stdout } = await run(["describe", "ns"], { server });
    assert.match(stdout, /^Name: +a\n(.*\n)*\n\nName: +b\n/);
    assert.doesNotMatch(stdout, /^Namespace:/m);
    assert.equal((await run(["describe", "se"], { server })).stderr, "No resources found in shop namespace.\n");
    assert.equal((await run(["describe", "se/nope"], { server })).status, 1);
  });
});

describe("explain", () => {
  test("a field with its type, values and default", async () => {
    const { stdout } = await run(["explain", "serviceentry.spec.resolution"]);
    assert.match(stdout, /^GROUP: {6}networking\.istio\.io\nKIND: {7}ServiceEntry\nVERSION: {4}v1/);
    assert.match(stdout, /^FIELD: resolution <string>$/m);
    assert.match(stdout, /^ {4}Values: NONE, STATIC, DNS, DNS_ROUND_ROBIN, DYNAMIC_DNS\.$/m);
    assert.match(stdout, /^ {4}Default: NONE\.$/m);
  });

  test("spec may be left out, groups may be given, and MeshConfig is known", async () => {
    const full = await run(["explain", "virtualservices.networking.istio.io.spec.http.retries"]);
    assert.match(full.stdout, /^FIELD: retries <Object>/m);
    assert.equal((await run(["explain", "vs.http.retries"])).stdout, full.stdout);
    assert.match(
      (await run(["explain", "MeshConfig.trustDomain"])).stdout,
      /^KIND: {7}MeshConfig\n\nFIELD: trustDomain <string>/m,
    );
  });

  test("--recursive prints the tree, -o json the data", async () => {
    const { stdout } = await run(["explain", "pa", "--recursive"]);
    assert.match(stdout, /^ {2}spec <Object>$/m);
    assert.match(stdout, /^ {4}mtls <Object>$/m);
    assert.match(stdout, /^ {6}mode <string>$/m);
    const json = JSON.parse((await run(["explain", "pa.mtls", "-o", "json"])).stdout) as {
      path: string;
      children: object[];
    };
    assert.equal(json.path, "PeerAuthentication.spec.mtls");
    assert.equal(json.children.length, 1);
  });

  test("without argument the kinds; --pending the fields without effect", async () => {
    assert.match(
      (await run(["explain"])).stdout,
      /^virtualservices +vs +networking\.istio\.io\/v1 +true +VirtualService$/m,
    );
    const pending = (await run(["explain", "--pending"])).stdout.trimEnd().split("\n");
    assert.ok(pending.includes("VirtualService.spec.http[].delegate"), pending.join());
    const one = (await run(["explain", "--pending", "vs"])).stdout.trimEnd().split("\n");
    assert.ok(one.every((path) => path.startsWith("VirtualService.")));
  });

  test("what does not exist is wrong usage, with a suggestion", async () => {
    assert.deepEqual(await run(["explain", "vs.htp"]), {
      status: 2,
      stdout: "",
      stderr: 'error LAT9001: VirtualService.spec has no field "htp"\n  Did you mean http?\n',
    });
    assert.match(
      (await run(["explain", "vs.http.retrys"])).stderr,
      /VirtualService\.spec\.http has no field "retrys"\n {2}Did you mean retries\?/,
    );
    assert.match((await run(["explain", "virtualservic"])).stderr, /Did you mean virtualservice/i);
    assert.equal((await run(["explain", "..."])).status, 2);
  });
});

describe("token", () => {
  const made = {
    id: "abc",
    token: "lateen1.abc.SECRET.pin",
    group: "shop/reviews",
    expiresAt: "2026-01-01T01:05:00Z",
    uses: 1,
  };

  test("create prints the token alone on standard output", async () => {
    server.route = ({ path }) => (path === "/lateen/v1/tokens" ? { status: 201, body: made } : undefined);
    const ran = await run(["token", "create", "--group", "shop/reviews", "--ttl", "90m", "--uses", "3"], { server });
    assert.equal(ran.status, 0);
    assert.equal(ran.stdout, "lateen1.abc.SECRET.pin\n");
    assert.match(
      ran.stderr,
      /^Token abc: good for one machine of shop\/reviews until 2026-01-01T01:05:00Z\.\nNext, on the machine: lateen join https:\/\/CONTROL-PLANE:15012 --token TOKEN\n$/,
    );
    assert.deepEqual(JSON.parse(server.writes[0]?.body ?? ""), { group: "shop/reviews", ttlSeconds: 5400, uses: 3 });
    const joinUrl = "https://mesh.example.com:25012";
    server.route = ({ path }) =>
      path === "/lateen/v1/tokens" ? { status: 201, body: { ...made, joinUrl } } : undefined;
    const known = await run(["token", "create", "--group", "shop/reviews"], { server });
    assert.match(known.stderr, /lateen join https:\/\/mesh\.example\.com:25012 --token TOKEN\n$/);
    server.requests.length = 0;
    server.route = ({ path }) => (path === "/lateen/v1/tokens" ? { status: 201, body: made } : undefined);
    const json = await run(["token", "create", "--group", "reviews", "-o", "json"], { server });
    assert.deepEqual(JSON.parse(json.stdout), made);
    assert.equal(json.stderr, "");
    assert.deepEqual(JSON.parse(server.writes[0]?.body ?? ""), { group: "shop/reviews" });
  });

  test("create refuses what cannot be", async () => {
    for (const argv of [
      [],
      ["--group", "a/b/c"],
      ["--group", "a/b", "--ttl", "8d"],
      ["--group", "a/b", "--ttl", "x"],
      ["--group", "a/b", "--uses", "0"],
      ["--group", "/b"],
    ]) {
      assert.equal((await run(["token", "create", ...argv], { server })).status, 2, argv.join(" "));
    }
    assert.deepEqual(server.requests, []);
  });

  test("list", async () => {
    server.route = ({ path }) =>
      path === "/lateen/v1/tokens"
        ? {
            body: [
              {
                id: "abc",
                group: "shop/reviews",
                usesLeft: 2,
                createdAt: "2026-01-01T00:00:00Z",
                expiresAt: "2026-01-01T01:00:00Z",
              },
            ],
          }
        : undefined;
    assert.equal(
      (await run(["token", "list"], { server })).stdout,
      "ID    GROUP          USES LEFT   CREATED                EXPIRES\nabc   shop/reviews   2           2026-01-01T00:00:00Z   2026-01-01T01:00:00Z\n",
    );
    server.route = () => ({ body: [] });
    assert.equal((await run(["token", "list"], { server })).stderr, "No tokens found.\n");
  });

  test("delete takes each back by its id", async () => {
    server.route = ({ path, method }) => {
      if (method !== "DELETE") return undefined;
      return path.endsWith("/gone")
        ? { status: 404, body: status(404, "NotFound", "there is no join token") }
        : { body: {} };
    };
    const ran = await run(["token", "delete", "abc", "def"], { server });
    assert.deepEqual(ran, { status: 0, stdout: 'token "abc" deleted\ntoken "def" deleted\n', stderr: "" });
    assert.deepEqual(
      server.writes.map(({ method, path }) => `${method} ${path}`),
      ["DELETE /lateen/v1/tokens/abc", "DELETE /lateen/v1/tokens/def"],
    );
    assert.equal((await run(["token", "delete", "gone"], { server })).status, 1);
    assert.equal((await run(["token", "delete"], { server })).status, 2);
  });
});

describe("version", () => {
  test("of the client, the control plane and its proxies", async () => {
    server.route = ({ path }) =>
      path === "/lateen/v1/version"
        ? { body: { version: "1.2.4", controlPlane: "cp-1" } }
        : {
            body: [
              { version: "1.2.3", envoyVersion: "1.40.0" },
              { version: "1.2.3", envoyVersion: "1.40.0" },
              { version: "1.2.2" },
            ],
          };
    assert.equal(
      (await run(["version"], { server })).stdout,
      "client version: 1.2.3\ncontrol plane version: 1.2.4\ndata plane version: 1.2.3, Envoy 1.40.0 (2 proxies); 1.2.2, Envoy unknown (1 proxy)\n",
    );
    const json = JSON.parse((await run(["version", "-o", "json"], { server })).stdout) as { dataPlane: object[] };
    assert.equal(json.dataPlane.length, 2);
    assert.equal((await run(["--version"])).stdout, "client version: 1.2.3\n");
  });

  test("without a control plane the client's version is still an answer", async () => {
    const ran = await run(["version"], { env: { LATEEN_KUBECONFIG: "/nonexistent" } });
    assert.equal(ran.status, 0);
    assert.equal(ran.stdout, "client version: 1.2.3\n");
    assert.match(ran.stderr, /^control plane: there is no kubeconfig at \/nonexistent/);
  });
});
