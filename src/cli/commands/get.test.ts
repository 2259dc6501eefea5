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
  server.put({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", labels: { team: "a" }, managedFields: [{ manager: "lateen" }] },
    spec: { hosts: ["reviews"] },
  });
  server.put({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "a-much-longer-name", namespace: "web" },
    spec: { hosts: ["b", "c"], gateways: ["mesh"] },
  });
  server.put({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "reviews" },
    spec: { host: "reviews" },
  });
});

describe("get", () => {
  test("a kind by its short name, in the namespace of the kubeconfig", async () => {
    const ran = await run(["get", "vs"], { server });
    assert.deepEqual(ran, {
      status: 0,
      stdout: 'NAME      GATEWAYS   HOSTS         AGE\nreviews              ["reviews"]   5m\n',
      stderr: "",
    });
    assert.deepEqual(server.asked, ["GET /apis/networking.istio.io/v1/namespaces/shop/virtualservices?limit=500"]);
    assert.equal(server.requests.at(-1)?.headers.authorization, "Bearer secret-token");
  });

  test("-A adds the namespace, -n chooses one and may stand before the command", async () => {
    const all = await run(["get", "virtualservices.networking.istio.io", "-A"], { server });
    assert.equal(
      all.stdout,
      [
        "NAMESPACE   NAME                 GATEWAYS   HOSTS         AGE",
        'shop        reviews                         ["reviews"]   5m',
        'web         a-much-longer-name   ["mesh"]   ["b","c"]     5m',
        "",
      ].join("\n"),
    );
    const one = await run(["-n", "web", "get", "VirtualService", "--no-headers"], { server });
    assert.equal(one.stdout, 'a-much-longer-name   ["mesh"]   ["b","c"]   5m\n');
  });

  test("several kinds are told apart by their names", async () => {
    const { stdout } = await run(["get", "vs,dr"], { server });
    assert.equal(
      stdout,
      [
        "NAME                                         GATEWAYS   HOSTS         AGE",
        'virtualservice.networking.istio.io/reviews              ["reviews"]   5m',
        "",
        "NAME                                          HOST      AGE",
        "destinationrule.networking.istio.io/reviews   reviews   5m",
        "",
      ].join("\n"),
    );
  });

  test("-o yaml and json give the object, several as a List; managedFields only if asked for", async () => {
    const yaml = await run(["get", "vs", "reviews", "-o", "yaml"], { server });
    assert.equal(
      yaml.stdout,
      `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  creationTimestamp: "2026-01-01T00:00:00Z"
  labels:
    team: a
  name: reviews
  namespace: shop
  resourceVersion: "${server.objects.get("virtualservices/shop/reviews")?.metadata["resourceVersion"]}"
spec:
  hosts:
  - reviews
`,
    );
    const json = await run(["get", "vs", "-A", "-ojson", "--show-managed-fields"], { server });
    const list = JSON.parse(json.stdout) as {
      kind: string;
      items: { kind: string; metadata: { managedFields?: [] } }[];
    };
    assert.equal(list.kind, "List");
    assert.deepEqual(
      list.items.map((item) => [item.kind, item.metadata.managedFields?.length]),
      [
        ["VirtualService", 1],
        ["VirtualService", undefined],
      ],
    );
  });

  test("-o name, labels, and KIND/NAME", async () => {
    const names = await run(["get", "vs/reviews", "dr/reviews", "-o", "name"], { server });
    assert.equal(
      names.stdout,
      "virtualservice.networking.istio.io/reviews\ndestinationrule.networking.istio.io/reviews\n",
    );
    const labels = await run(["get", "vs", "-l", "team=a", "--show-labels", "-o", "wide"], { server });
    assert.match(labels.stdout, /LABELS\nreviews .* team=a\n$/);
    assert.match(server.asked.at(-1) ?? "", /labelSelector=team=a/);
  });

  test("nothing found is said on standard error, with status 0", async () => {
    assert.deepEqual(await run(["get", "se"], { server }), {
      status: 0,
      stdout: "",
      stderr: "No resources found in shop namespace.\n",
    });
    assert.equal((await run(["get", "se", "-A"], { server })).stderr, "No resources found\n");
    assert.equal((await run(["get", "namespaces"], { server })).stderr, "No resources found\n");
  });

  test("a missing object fails, unless that is fine; of several the others are shown", async () => {
    const missing = await run(["get", "vs", "nope"], { server });
    assert.equal(missing.status, 1);
    assert.match(
      missing.stderr,
      /^error LAT9006: the control plane refused \(NotFound\): virtualservices\.networking\.istio\.io "nope" not found\n {2}lateen get lists/,
    );
    assert.deepEqual(await run(["get", "vs", "nope", "--ignore-not-found"], { server }), {
      status: 0,
      stdout: "",
      stderr: "",
    });
    const some = await run(["get", "vs", "nope", "reviews"], { server });
    assert.equal(some.status, 1);
    assert.match(some.stdout, /^reviews /m);
  });

  test("an unknown kind is wrong usage, with a suggestion", async () => {
    const ran = await run(["get", "virtualservcies"], { server });
    assert.deepEqual(ran, {
      status: 2,
      stdout: "",
      stderr: 'error LAT9001: the control plane serves no kind "virtualservcies"\n  Did you mean virtualservices?\n',
    });
  });

  test("names that are no path segments never reach the server", async () => {
    for (const name of ["..", "a%2fb", "a\\b"]) {
      const ran = await run(["get", "vs", name], { server });
      assert.equal(ran.status, 2, name);
    }
    assert.deepEqual(server.asked, []);
  });

  test("pages are followed, and an expired continuation starts over", async () => {
    let expired = false;
    server.route = ({ path, query }) => {
      if (!path.endsWith("/serviceentries")) return undefined;
      const item = (name: string) => ({ metadata: { name, namespace: "shop" } });
      const from = query.get("continue");
      if (from === null)
        return {
          body: { kind: "ServiceEntryList", metadata: { continue: expired ? "b" : "a" }, items: [item("one")] },
        };
      if (from === "b") return { body: { kind: "ServiceEntryList", metadata: {}, items: [item("two")] } };
      expired = true;
      return { status: 410, body: status(410, "Expired", "too old") };
    };
    const { stdout } = await run(["get", "se", "-o", "name"], { server });
    assert.equal(stdout, "serviceentry.networking.istio.io/one\nserviceentry.networking.istio.io/two\n");
  });

  test("a server without Tables gets one made here", async () => {
    server.route = ({ path }) =>
      path.endsWith("/virtualservices")
        ? {
            body: {
              kind: "VirtualServiceList",
              metadata: {},
              items: [...server.objects.values()].filter((each) => each.kind === "VirtualService"),
            },
          }
        : undefined;
    const { stdout } = await run(["get", "vs", "-A"], { server });
    assert.equal(
      stdout,
      "NAMESPACE   NAME                 AGE\nshop        reviews              5m\nweb         a-much-longer-name   5m\n",
    );
  });

  test("a server without aggregated discovery is asked group by group", async () => {
    server.route = ({ path }) => {
      if (path === "/api") return { status: 404, body: "nothing here" };
      if (path === "/apis")
        return {
          body: { kind: "APIGroupList", groups: [{ preferredVersion: { groupVersion: "networking.istio.io/v1" } }] },
        };
      if (path === "/apis/networking.istio.io/v1") {
        const resources = [
          {
            name: "virtualservices",
            singularName: "virtualservice",
            kind: "VirtualService",
            namespaced: true,
            shortNames: ["vs"],
          },
          { name: "virtualservices/status", kind: "VirtualService", namespaced: true },
        ];
        return { body: { kind: "APIResourceList", groupVersion: "networking.istio.io/v1", resources } };
      }
      return undefined;
    };
    assert.match((await run(["get", "vs"], { server })).stdout, /^reviews /m);
  });

  test("escape sequences in what the server sends do not reach the terminal", async () => {
    const evil = "\u001b[31mred\u001b]0;title\u0007 \u009b2J\u202Eknil";
    server.route = ({ path }) =>
      path.endsWith("/virtualservices/evil")
        ? {
            body: {
              apiVersion: "v1",
              kind: "X",
              metadata: { name: evil, annotations: { [evil]: `two\nlines ${evil}` } },
            },
          }
        : undefined;
    for (const format of ["json", "yaml", "name", "wide"]) {
      const { stdout } = await run(["get", "vs", "evil", "-o", format], { server });
      assert.match(stdout, /red/, format);
      assert.doesNotMatch(stdout, /[^\P{Cc}\n]|\p{Bidi_Control}/u, format);
    }
    const { stdout } = await run(["get", "vs", "evil", "-o", "json"], { server });
    assert.equal((JSON.parse(stdout) as { metadata: { name: string } }).metadata.name, evil);
  });
});

describe("get --watch", () => {
  const row = (name: string, resourceVersion: string) => ({
    kind: "Table",
    metadata: {},
    rows: [{ cells: [name, "", '["x"]', "1s"], object: { metadata: { name, namespace: "shop", resourceVersion } } }],
  });

  test("prints the list, then each change in the same columns, and goes on where a watch ended", async () => {
    const stop = new AbortController();
    const begun = server.watching();
    const ran = run(["get", "vs", "-w"], {
      server,
      signal: stop.signal,
      onOutput: (soFar) => {
        if (soFar.includes("third")) stop.abort();
      },
    });
    await begun;
    const again = server.watching();
    server.emit({ type: "MODIFIED", object: row("reviews", "201") });
    server.emit({
      type: "BOOKMARK",
      object: { kind: "Table", rows: [{ cells: [], object: { metadata: { resourceVersion: "250" } } }] },
    });
    server.endWatches();
    await again;
    server.emit({ type: "ADDED", object: row("third", "260") });
    const { status: code, stdout } = await ran;
    assert.equal(code, 0);
    assert.equal(
      stdout,
      [
        "NAME      GATEWAYS   HOSTS         AGE",
        'reviews              ["reviews"]   5m',
        'reviews              ["x"]         1s',
        'third                ["x"]         1s',
        "",
      ].join("\n"),
    );
    const watches = server.requests.filter(({ query }) => query.get("watch") === "1");
    assert.equal(watches[1]?.query.get("resourceVersion"), "250");
  });

  test("a control plane that stops is said to be stopping", async () => {
    const stopping = { status: 503, body: status(503, "ServiceUnavailable", "the control plane is stopping") };
    for (const [last, says] of [
      [stopping, /^error LAT9006: .*the control plane is stopping\n {2}The control plane is starting or stopping/],
      [undefined, /^error LAT9004: \S+ ends watches at once\n {2}It may be stopping/],
    ] as const) {
      server.route = ({ query }) => (query.get("limit") === "1" ? last : undefined);
      const begun = server.watching();
      const ran = run(["get", "vs", "-w"], { server });
      await begun;
      server.endWatches();
      assert.match((await ran).stderr, says);
    }
  });

  test("a watch that is too far behind starts over with a list", async () => {
    const stop = new AbortController();
    const begun = server.watching();
    const ran = run(["get", "vs", "reviews", "-w", "-o", "name"], { server, signal: stop.signal });
    await begun;
    const again = server.watching();
    server.emit({ type: "ERROR", object: status(410, "Expired", "too old") });
    server.endWatches();
    await again;
    stop.abort();
    assert.match((await ran).stdout, /^(virtualservice\.networking\.istio\.io\/.*\n)+$/);
    assert.match(server.asked.at(-1) ?? "", /fieldSelector=metadata\.name=reviews/);
    assert.equal(server.asked.filter((each) => !each.includes("watch=1")).length, 2);
  });

  test("an error of the server ends it", async () => {
    const begun = server.watching();
    const ran = run(["get", "vs", "-w"], { server });
    await begun;
    server.emit({ type: "ERROR", object: status(500, "InternalError", "storage is gone") });
    const { status: code, stderr } = await ran;
    assert.equal(code, 1);
    assert.match(stderr, /storage is gone/);
  });
});
